"""What a model file is, told from its content: formats, tensors, and what in it no inference reads."""
