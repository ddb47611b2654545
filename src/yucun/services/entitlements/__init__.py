"""Basic public services (基本公共服务、关键小事): who is owed what, from a life event to the proof of delivery."""
