"""How the service runs in containers; Python is here for the tests only."""
