"""Networks that learn from a start: what they learn from, the steps, the curves, and what to say of them."""
