"""Arrays in, arrays out: recipe 1 and the schemes. Knows no network, no format, no HTTP."""
