"""A Dockerfile made better and proven: both images built, asked the same, and rules dropped that break something."""
