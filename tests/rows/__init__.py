"""Rows of the op table by family; each module has ``ROWS``."""
