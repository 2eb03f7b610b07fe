"""Arrays in, arrays out: recipe 1, activations, boxes and dtypes. Knows no network, no format, no HTTP."""
