"""Bodies of responses: bytes that are known, and values still to be drawn."""
