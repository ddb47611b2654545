"""A city under a seed, with faults."""
