"""What an image costs: size, pull, cold start; measured in interleaved rounds, with the host said beside it."""
