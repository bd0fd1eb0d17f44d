"""The API of an engine: where it is, and the calls slimml makes."""
