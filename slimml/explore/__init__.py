"""`slimml explore`: an image in the terminal, directory by directory, with owners, findings and what-if removal."""
