"""Metrics that Keras does not have: perplexity, and what predictions say of their uncertainty."""

from mc_tf.metrics.calibration import adaptive_calibration_error, reliability
from mc_tf.metrics.detection import aupr, auroc, fpr_at_tpr
from mc_tf.metrics.entropy import mutual_information, predictive_entropy
from mc_tf.metrics.intervals import ensemble_crps, gaussian_crps, interval_coverage
from mc_tf.metrics.perplexity import Perplexity
from mc_tf.metrics.selective import area_under_risk_coverage, risk_coverage

__all__ = [
    "Perplexity",
    "adaptive_calibration_error",
    "area_under_risk_coverage",
    "aupr",
    "auroc",
    "ensemble_crps",
    "fpr_at_tpr",
    "gaussian_crps",
    "interval_coverage",
    "mutual_information",
    "predictive_entropy",
    "reliability",
    "risk_coverage",
]
