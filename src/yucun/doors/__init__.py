"""The ways in: the pages, the API and the command line; thin, with nothing of their own to decide."""
