"""The citizens' hotline 12345: what is asked, where, how urgent, whose duty, and until when."""
