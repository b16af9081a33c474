"""Loss surfaces: lines, planes and rays through networks, evaluated on grids."""

from mc_tf.landscape.directions import principal_directions, random_direction
from mc_tf.landscape.evaluate import evaluate_grid
from mc_tf.landscape.hessian import HessianEigenvalues, hessian_eigenvalues
from mc_tf.landscape.lines import Line, Rays
from mc_tf.landscape.planes import Plane
from mc_tf.landscape.results import GridEvaluation
from mc_tf.landscape.surface import Surface

__all__ = [
    "GridEvaluation",
    "HessianEigenvalues",
    "Line",
    "Plane",
    "Rays",
    "Surface",
    "evaluate_grid",
    "hessian_eigenvalues",
    "principal_directions",
    "random_direction",
]
