"""What an engine answers to `save`: an archive, read as it comes."""
