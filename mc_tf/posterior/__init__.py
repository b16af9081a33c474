"""Posteriors over weights: SWAG, and posteriors in subspaces; ensembles of their samples."""

from mc_tf.posterior.gaussian import GaussianPosterior
from mc_tf.posterior.inference import SubspacePosterior
from mc_tf.posterior.likelihoods import GaussianLikelihood
from mc_tf.posterior.results import SubspaceGaussian, SubspaceGrid, SubspaceSamples
from mc_tf.posterior.subspace import Subspace
from mc_tf.posterior.swag import SWAG

__all__ = [
    "GaussianLikelihood",
    "GaussianPosterior",
    "SWAG",
    "Subspace",
    "SubspaceGaussian",
    "SubspaceGrid",
    "SubspacePosterior",
    "SubspaceSamples",
]
