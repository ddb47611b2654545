"""The kernel: knows of cities, not of services."""
