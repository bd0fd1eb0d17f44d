"""One module per kind of waste: a table in, proposals out."""
