"""Resumable training of networks and curves in directories: settings, fits and checks."""

from mc_tf.storage.initial_weights import load_initial_weights
from mc_tf.training.curves import train_curve, train_made_curve
from mc_tf.training.evaluate import describe, evaluate_network, test_score
from mc_tf.training.networks import build_network, compile_for
from mc_tf.training.options import TrainingOptions
from mc_tf.training.posterior import sample_networks, weight_posterior
from mc_tf.training.train import averaged_network, train_network

__all__ = [
    "TrainingOptions",
    "averaged_network",
    "build_network",
    "compile_for",
    "describe",
    "evaluate_network",
    "load_initial_weights",
    "sample_networks",
    "test_score",
    "train_curve",
    "train_made_curve",
    "train_network",
    "weight_posterior",
]
