"""Mode connectivity and fast ensembling of neural networks, for Keras 3.

A curve is a matrix of control points `(k, P)` and a coefficient function `c(t) -> (k,)`; the
network at `t` runs with the weights `c(t) @ points`.
"""

from typing import TYPE_CHECKING

from mc_tf import (
    alignment,
    callbacks,
    curves,
    distribute,
    ensemble,
    landscape,
    layers,
    merging,
    metrics,
    models,
    posterior,
    simplexes,
)
from mc_tf.alignment import align, align_all
from mc_tf.backend.fused_batch_norm import fused_batch_norm
from mc_tf.batch_norm import repair, update_batch_norm
from mc_tf.callbacks import (
    SWA,
    CosineCyclicLearningRate,
    CyclicLearningRate,
    DistanceFromStart,
    LinearCyclicLearningRate,
    SnapshotSaver,
)
from mc_tf.curves import Bezier, Combination, Curve, PolyChain, Segment, TrivialCurve
from mc_tf.cycles import CosineCycle, LinearCycle, SWASchedule, TriangularCycle
from mc_tf.ensemble import Ensemble
from mc_tf.evaluation import Barrier, CurveEvaluation, barrier, evaluate_curve
from mc_tf.landscape import (
    GridEvaluation,
    HessianEigenvalues,
    Line,
    Plane,
    Rays,
    evaluate_grid,
    hessian_eigenvalues,
    principal_directions,
    random_direction,
)
from mc_tf.layers import (
    CurveBatchNormalization,
    CurveConv2D,
    CurveDense,
    CurveEmbedding,
    CurveLayer,
    CurveLSTM,
)
from mc_tf.merging import greedy_soup, merge
from mc_tf.models import CurveModel, connect
from mc_tf.moved import MOVED
from mc_tf.posterior import SWAG
from mc_tf.storage.checksums import DamagedFileError
from mc_tf.storage.snapshots import load_snapshot
from mc_tf.version import __version__ as __version__

__all__ = [
    "Barrier",
    "Bezier",
    "Combination",
    "CosineCycle",
    "CosineCyclicLearningRate",
    "Curve",
    "CurveBatchNormalization",
    "CurveConv2D",
    "CurveDense",
    "CurveEmbedding",
    "CurveEvaluation",
    "CurveLSTM",
    "CurveLayer",
    "CurveModel",
    "CyclicLearningRate",
    "DamagedFileError",
    "DistanceFromStart",
    "Ensemble",
    "GridEvaluation",
    "HessianEigenvalues",
    "Line",
    "LinearCycle",
    "LinearCyclicLearningRate",
    "Plane",
    "PolyChain",
    "Rays",
    "SWA",
    "SWAG",
    "SWASchedule",
    "Segment",
    "SnapshotSaver",
    "TriangularCycle",
    "TrivialCurve",
    "align",
    "align_all",
    "alignment",
    "barrier",
    "callbacks",
    "connect",
    "curves",
    "distribute",
    "ensemble",
    "evaluate_curve",
    "evaluate_grid",
    "fused_batch_norm",
    "greedy_soup",
    "hessian_eigenvalues",
    "landscape",
    "layers",
    "load_snapshot",
    "merge",
    "merging",
    "metrics",
    "models",
    "posterior",
    "principal_directions",
    "random_direction",
    "repair",
    "simplexes",
    "update_batch_norm",
]

# `data` needs TensorFlow and `plots` matplotlib: they are imported on first use.
if TYPE_CHECKING:
    from mc_tf import data as data
    from mc_tf import plots as plots
else:

    def __getattr__(name):
        if name in ("data", "plots") or name in MOVED:
            import importlib

            return importlib.import_module(f"mc_tf.{name}")
        raise AttributeError(f"module 'mc_tf' has no attribute '{name}'")


def __dir__() -> list[str]:
    """The public names alone."""
    return sorted({*__all__, "data", "plots", *(name for name in globals() if name[:2] == "__")})
