"""What starts the service in a child process, for tests, benchmarks and clients."""
