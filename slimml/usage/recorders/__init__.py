"""Ways of recording, a module each; what runs in a process of its own ends in `_reader` and needs Python alone."""
