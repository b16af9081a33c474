"""The kinds of steps, a file each: training, curves, ensembles, surfaces, figures."""
