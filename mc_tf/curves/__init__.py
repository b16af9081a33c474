"""Curve families: control points and their coefficients `c(t)`, as pure functions."""

from mc_tf.curves.base import Curve
from mc_tf.curves.combination import Combination
from mc_tf.curves.families import Bezier, PolyChain, Segment
from mc_tf.curves.registry import has_bends, make_curve, names, register
from mc_tf.curves.trivial import TrivialCurve

__all__ = [
    "Bezier",
    "Combination",
    "Curve",
    "PolyChain",
    "Segment",
    "TrivialCurve",
    "has_bends",
    "make_curve",
    "names",
    "register",
]
