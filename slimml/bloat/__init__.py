"""What an image carries for nothing: one module per kind of waste, table in, findings out."""
