"""The services of a city, one folder each, all of one shape; none imports another."""
