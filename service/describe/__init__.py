"""What a client may ask for, and its one spelling as a URL."""
