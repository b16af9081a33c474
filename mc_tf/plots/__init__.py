"""Figures of results: matplotlib figures, drawn without pyplot and without loading models.

Every function returns the figure; notebooks display it, and `save` writes it. Functions with one
panel accept `ax`, functions with several panels `axes`: your own matplotlib axes, for instance of a
window. (Notebooks display the figure of such axes twice, unless the line ends with a semicolon.)
"""

from mc_tf.plots.barriers import plot_barrier, plot_barriers, plot_layers
from mc_tf.plots.curves import plot_curves, plot_pairs, plot_widths
from mc_tf.plots.ensembles import (
    plot_budgets,
    plot_ensembles,
    plot_mean_prediction,
    plot_trajectory,
)
from mc_tf.plots.films import plot_film
from mc_tf.plots.lines import plot_line, plot_rays
from mc_tf.plots.planes import plot_eigenvalue_ratio, plot_heat_map, plot_plane
from mc_tf.plots.posteriors import plot_posterior
from mc_tf.plots.regression import plot_regression
from mc_tf.plots.rescaling import plot_curve_ensembles
from mc_tf.plots.saving import in_both_formats, save
from mc_tf.plots.simplexes import plot_simplex
from mc_tf.plots.surface_3d import plot_surface
from mc_tf.plots.uncertainty import plot_corruptions, plot_reliability, plot_risk_coverage

__all__ = [
    "in_both_formats",
    "plot_barrier",
    "plot_barriers",
    "plot_budgets",
    "plot_corruptions",
    "plot_curve_ensembles",
    "plot_curves",
    "plot_eigenvalue_ratio",
    "plot_ensembles",
    "plot_film",
    "plot_heat_map",
    "plot_layers",
    "plot_line",
    "plot_mean_prediction",
    "plot_pairs",
    "plot_plane",
    "plot_posterior",
    "plot_rays",
    "plot_regression",
    "plot_reliability",
    "plot_risk_coverage",
    "plot_simplex",
    "plot_surface",
    "plot_trajectory",
    "plot_widths",
    "save",
]
