"""Puts hidden units of networks in one order: other weights, the same function."""

from mc_tf.alignment.align import align, align_all
from mc_tf.alignment.report import Alignment, UnitGroup
from mc_tf.alignment.table import register
from mc_tf.alignment.units import NotUnderstood, Units

__all__ = ["Alignment", "NotUnderstood", "UnitGroup", "Units", "align", "align_all", "register"]
