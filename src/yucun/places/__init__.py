"""Places: a folder each; values live here, shapes and formulas in services."""
