"""Pages of early warning: what the desk asks, and how rules fare."""
