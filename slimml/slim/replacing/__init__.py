"""Files whose content becomes smaller: spooled out of their layers, shrunk by workers, written in their place."""
