"""Early warning: finds people who never asked, and offers them a visit."""
