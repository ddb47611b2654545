"""Visits: a made-up service that opens cases, reserves and pays, records and asks."""
