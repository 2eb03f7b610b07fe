"""HTTP: the only floor that knows requests, responses, the clock and the environment."""
