"""Evaluates a network, or all networks along a curve."""

from mc_tf.evaluation.barrier import Barrier, barrier
from mc_tf.evaluation.curves import evaluate_curve
from mc_tf.evaluation.results import CurveEvaluation

__all__ = ["Barrier", "CurveEvaluation", "barrier", "evaluate_curve"]
