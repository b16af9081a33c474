"""A directory of runs as one HTML page."""
