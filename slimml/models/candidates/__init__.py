"""Smaller forms of one model made, checked, measured and judged beside each other; the best that is right is taken."""
