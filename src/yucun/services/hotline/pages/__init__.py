"""What tiles cannot express: judging a message before it is an event, the words of the desk, topics, letters, answers."""
