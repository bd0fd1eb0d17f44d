"""The keeper: a process beside slimml that runs programs in namespaces, adopts orphans, and clears up at the end."""
