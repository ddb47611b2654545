"""Messages to 12345 from every channel: judged, given a number, and handed to the engine."""
