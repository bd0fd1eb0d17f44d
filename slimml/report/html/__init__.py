"""One page that a browser opens without a network: what an image holds, what was done to it, how long it makes wait."""
