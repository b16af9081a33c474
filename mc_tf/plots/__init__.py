"""Figures from result files; no model is loaded here."""

from mc_tf.plots.curves import plot_curves, plot_pairs, plot_widths
from mc_tf.plots.ensembles import plot_budgets, plot_ensembles, plot_trajectory

__all__ = [
    "plot_budgets",
    "plot_curves",
    "plot_ensembles",
    "plot_pairs",
    "plot_trajectory",
    "plot_widths",
]
