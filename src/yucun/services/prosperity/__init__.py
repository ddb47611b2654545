"""Shared prosperity: the gap between town and country, and how it spreads over the cities."""
