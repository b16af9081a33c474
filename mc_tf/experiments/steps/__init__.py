"""The kinds of steps, one file each: training, curves, ensembles, surfaces, figures."""
