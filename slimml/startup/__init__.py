"""What a container does between exec and its first answer, split into phases, with what to do about each."""
