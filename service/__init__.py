"""fanin: initial weights of neural networks, as a pure function of a URL."""

__version__ = "0.2.0"
