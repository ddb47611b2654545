"""Yucun, the open city brain for shared prosperity."""
