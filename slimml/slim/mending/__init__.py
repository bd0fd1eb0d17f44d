"""Finding out which removals a slim image cannot do without, and slimming again without them."""
