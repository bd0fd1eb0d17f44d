"""What a program uses of its image: recorders, recordings, and the closure of what has to be kept with it."""
