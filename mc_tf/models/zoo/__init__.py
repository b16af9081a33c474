"""Networks of the papers, and the registry that builds them by name."""
