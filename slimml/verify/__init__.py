"""Whether two images answer the same, and which removals are to blame when they do not."""
