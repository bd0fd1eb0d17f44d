"""Images as immutable values: references, manifests, configs, layers, codecs, tar, and the places images live in."""
