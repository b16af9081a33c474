"""Files: how they are named, locked, written, checked and read. Private."""
