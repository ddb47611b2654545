"""What tiles cannot express of relief: the desk's words, the month's bank file, publicity, and why somebody gets what they get."""
