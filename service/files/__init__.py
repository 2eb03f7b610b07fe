"""File formats, written and read: each in one place."""
