"""What package databases have to say after a removal, one module per system; rpm's database cannot be edited."""
