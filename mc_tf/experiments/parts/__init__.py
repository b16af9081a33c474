"""Private: curves, ensembles and surfaces from files, as programs and steps share them."""
