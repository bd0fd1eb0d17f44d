"""An engine's own files, read as they lie."""
