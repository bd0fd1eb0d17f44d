"""Pickles read by opcode: containers and descriptions are built, nothing is ever imported or called."""
