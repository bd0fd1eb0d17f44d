"""Budgets for an image, and what grew from one image to another: passes, warns or fails a build."""
