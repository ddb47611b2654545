"""The cockpits that span services: the city, a region, the health of the data."""
