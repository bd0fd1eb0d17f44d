"""From the paths that were used to all that must be kept with them: one module per rule, run to a fixed point."""
