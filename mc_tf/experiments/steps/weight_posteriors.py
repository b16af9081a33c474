"""Calibration and uncertainty of networks sampled from the posterior of a training run."""

import dataclasses
import os

import numpy as np

from mc_tf import training
from mc_tf.ensemble import Ensemble
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Saved
from mc_tf.experiments.steps.uncertainty import _Evaluated
from mc_tf.posterior import Subspace, SubspacePosterior, SubspaceSamples
from mc_tf.storage.files import read_arrays, write_arrays

_NO_TRAINING = Saved("")  # a field after fields with defaults needs one


@dataclasses.dataclass(frozen=True)
class SWAGUncertainty(_Evaluated):
    """Evaluates networks sampled from the posterior of SWAG, like `Uncertainty`.

    Attributes:
        name, label, outside, num_corrupted, num_outside: as in `Uncertainty`.
        saved: `Saved` of the kind `"posterior"`.
        num_samples: number of networks. Default 30, as in the paper.
        scale: factor of the covariance. Default 0.5, as in the paper.
        seed: seed of the samples.
    """

    saved: Saved = _NO_TRAINING
    num_samples: int = 30
    scale: float = 0.5
    seed: int = 0

    def ensemble(self, run: Run) -> Ensemble:
        """Samples the networks."""
        on = run.on_data()
        return training.weight_posterior(run.folder(self.saved.training)).ensemble(
            self.num_samples,
            self.scale,
            seed=self.seed,
            batch_norm_data=on.batch_norm_data(),
            output="logits",
            verbose=on.verbose,
        )


@dataclasses.dataclass(frozen=True)
class SubspaceUncertainty(_Evaluated):
    """Evaluates networks sampled in the principal directions of a run, like `Uncertainty`.

    Elliptical slice sampling of the posterior over the coordinates (arXiv 1907.07504). The samples
    are in `NAME-samples.npz`.

    Attributes:
        name, label, outside, num_corrupted, num_outside: as in `Uncertainty`.
        saved: `Saved` of the kind `"posterior"`, the run with SWAG.
        num_samples: number of networks.
        dimensions: number of principal directions.
        temperature: divisor of the log-likelihood.
        prior_std: standard deviation of the prior, in units of the run's own deviation.
        burn_in, thin: slice samples dropped first, and between two networks.
        num_train: number of training examples in the likelihood. Default: all.
        seed: seed of the samples.
    """

    saved: Saved = _NO_TRAINING
    num_samples: int = 30
    dimensions: int = 5
    temperature: float = 1.0
    prior_std: float = 1.0
    burn_in: int = 20
    thin: int = 2
    num_train: int | None = None
    seed: int = 0

    def ensemble(self, run: Run) -> Ensemble:
        """Samples the networks, or reads the samples."""
        posterior = training.weight_posterior(run.folder(self.saved.training))
        on = run.on_data(self.num_train).compiled(posterior.network)
        inside = SubspacePosterior(
            Subspace.principal(posterior, self.dimensions),
            on.train(),
            temperature=self.temperature,
            prior_std=self.prior_std,
            batch_norm_data=on.batch_norm_data(),
        )
        path, settings = f"{run.folder(self.name)}-samples.npz", str(self)
        if not os.path.exists(path):
            drawn = inside.slice_sample(
                self.num_samples, self.burn_in, thin=self.thin, seed=self.seed, verbose=on.verbose
            )
            write_arrays(path, settings=np.array(settings), chains=drawn.chains)
        stored = read_arrays(path, ("settings", "chains"), "samples", "bin/reproduce.py")
        if str(stored["settings"]) != settings:
            raise ValueError(
                f"'{path}' holds samples of {stored['settings']}, but this is {settings}. Choose "
                "another --workdir."
            )
        return SubspaceSamples(inside, stored["chains"]).ensemble(
            batch_norm_data=run.on_data().batch_norm_data(), output="logits", verbose=on.verbose
        )
