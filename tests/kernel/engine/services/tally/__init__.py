"""Tally: a made-up service that hears what visits publishes."""
