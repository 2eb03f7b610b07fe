"""Requests made up from the document, sent to the running service."""
