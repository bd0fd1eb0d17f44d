"""Results of measurements, kept line by line, and what they tell over time: change points, trends, charts."""
