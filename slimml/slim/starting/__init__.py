"""Changes that make an image start sooner: bytecode that its Python would have to make at every start."""
