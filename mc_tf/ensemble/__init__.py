"""Ensembles: average the predictions of many sets of weights of one network."""

from mc_tf.ensemble.batch_norm import update_batch_norm
from mc_tf.ensemble.evaluation import evaluate_members
from mc_tf.ensemble.export import export_ensemble
from mc_tf.ensemble.member_files import MemberFiles
from mc_tf.ensemble.model import Ensemble
from mc_tf.ensemble.out_of_distribution import (
    OutOfDistributionEvaluation,
    evaluate_out_of_distribution,
)
from mc_tf.ensemble.outputs import OutputSpec
from mc_tf.ensemble.results import EnsembleEvaluation
from mc_tf.ensemble.scores import (
    accuracy,
    brier_score,
    disagreement,
    disagreement_matrix,
    expected_calibration_error,
    negative_log_likelihood,
    score,
)
from mc_tf.ensemble.temperature import fit_temperature, temperatures_from_loss
from mc_tf.ensemble.value_scores import (
    gaussian_negative_log_likelihood,
    mean_squared_error,
    score_values,
)

__all__ = [
    "Ensemble",
    "EnsembleEvaluation",
    "MemberFiles",
    "OutOfDistributionEvaluation",
    "OutputSpec",
    "accuracy",
    "brier_score",
    "disagreement",
    "disagreement_matrix",
    "evaluate_members",
    "evaluate_out_of_distribution",
    "expected_calibration_error",
    "export_ensemble",
    "fit_temperature",
    "gaussian_negative_log_likelihood",
    "mean_squared_error",
    "negative_log_likelihood",
    "score",
    "score_values",
    "temperatures_from_loss",
    "update_batch_norm",
]
