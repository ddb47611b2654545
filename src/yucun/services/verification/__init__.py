"""Means check: what registers hold about a household, asked only under a live authorisation, beside what was stated."""
