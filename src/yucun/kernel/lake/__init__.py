"""Records: contracts, landing, checking, quarantine, tables and their versions, freshness, lineage."""
