"""The engines under the adapter: expressions turned into text once, DuckDB in memory, and Spark over Spark Connect.

Others use `yucun.kernel.lake.engine.Engine`; nothing else imports from here.
"""
