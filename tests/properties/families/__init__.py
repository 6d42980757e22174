"""Rows of the table of primitives by families, in the files that the families are called after."""
