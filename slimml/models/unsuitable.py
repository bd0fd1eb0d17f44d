"""The word with which a shrinker leaves a file as it is."""


class Unsuitable(Exception):
    """The file stays as it is; the message ends the sentence "left as it is: …". Never shown as an error."""
