"""What may be asked for of a whole model: a list of tensors, and rules that say how each begins."""
