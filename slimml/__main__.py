"""`python -m slimml`."""

from slimml.cli.main import run

run()
