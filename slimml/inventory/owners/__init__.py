"""Who brought each file: one reader per package manager, and the assignment of every row to exactly one owner."""
