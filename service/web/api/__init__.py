"""This API: what each path takes and answers. Knows no sockets."""
