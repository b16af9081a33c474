"""Posteriors over weights: SWAG, and ensembles of its samples."""

from mc_tf.posterior.gaussian import GaussianPosterior
from mc_tf.posterior.swag import SWAG

__all__ = ["GaussianPosterior", "SWAG"]
