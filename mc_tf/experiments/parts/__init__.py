"""Private: curves, ensembles and surfaces from files, shared by programs and steps."""
