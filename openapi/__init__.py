"""The committed OpenAPI document and what writes it."""
