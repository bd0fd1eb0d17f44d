"""What people and programs are shown: one module per form."""
