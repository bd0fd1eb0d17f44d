"""One module per format of model files: how it is known by its first bytes, and what a reader of it finds."""
