"""Posteriors of a regression with predicted noise (arXiv 1907.07504, section 6)."""

import dataclasses
import os
from typing import TYPE_CHECKING, Self

import keras
import numpy as np
from scipy.special import logsumexp

from mc_tf.cycles import SWASchedule
from mc_tf.data import RegressionData, UCIData, load
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Step, Values
from mc_tf.posterior import SWAG, GaussianLikelihood, Subspace, SubspacePosterior
from mc_tf.storage.files import read_arrays, write_arrays

if TYPE_CHECKING:
    from mc_tf.experiments.smoke import Smoke

_FEW = {"epochs": 4, "swag_epochs": 8}
_RANK = 20  # deviations of SWAG
_SCORES = ("test_log_likelihood", "test_coverage", "test_root_mean_squared_error")


@dataclasses.dataclass(frozen=True)
class Posteriors(Step):
    """Trains a network on one split; compares SGD, SWAG, and posteriors in a subspace.

    The network has one hidden layer and predicts mean and variance. SGD with a falling learning
    rate, as in the authors' code, is followed by SWAG at its last rate. The subspace has the
    principal directions of SWAG.

    Attributes:
        name: name of its file `NAME.npz`.
        split: number of the split.
        units: hidden units.
        epochs, swag_epochs: epochs of SGD, and of SWAG after it.
        batch_size: examples per batch.
        learning_rate, swag_learning_rate: rate of SGD at first, and at its end and of SWAG.
        weight_decay: factor wd of the loss term wd/2 * sum of squares of all weights.
        dimensions: dimensions of the subspace.
        temperature: divisor of the log-likelihood in the subspace. Default: a twentieth of the
            number of training examples.
        prior_std: standard deviation of the prior there.
        num_samples, burn_in: networks in each ensemble, and dropped slice samples.
    """

    split: int
    units: int = 50
    epochs: int = 1000
    swag_epochs: int = 500
    batch_size: int = 30
    learning_rate: float = 0.003
    swag_learning_rate: float = 0.0005
    weight_decay: float = 0.01
    dimensions: int = 5
    temperature: float | None = None
    prior_std: float = 1.0
    num_samples: int = 30
    burn_in: int = 30

    def check(self, run: Run) -> None:
        """Rejects other data than a regression with one target."""
        if not isinstance(run.data, RegressionData) or run.data.num_classes != 1:
            raise ValueError(
                "Posteriors of a regression need data with one real target, such as 'uci:boston'. "
                f"Received: '{run.data.name}'."
            )

    def run(self, run: Run) -> dict[str, np.ndarray]:
        """Trains and evaluates; returns the scores of each method, or those in the file."""
        path, settings = f"{run.folder(self.name)}.npz", f"{self} on {run.data.name}"
        if not os.path.exists(path):
            data = run.data
            if isinstance(data, UCIData):
                data = load(f"{data.name}:{self.split}", data.data_dir, data.test_name == "test")
            run.say(f"Training '{self.name}' ({self.epochs + self.swag_epochs} epochs) ...")
            predictions = dict(self._predict(data))
            scores = [_scores(predicted, data) for predicted in predictions.values()]
            columns = {name: np.array(values) for name, values in zip(_SCORES, zip(*scores))}
            methods = np.array(list(predictions))
            write_arrays(path, settings=np.array(settings), methods=methods, **columns)
        stored = read_arrays(path, _SCORES, "scores of posteriors", "bin/reproduce.py")
        if str(stored["settings"]) != settings:
            raise ValueError(
                f"'{path}' holds scores of {stored['settings']}, but this is {settings}. Choose "
                "another --workdir."
            )
        return stored

    def values(self, result: dict[str, np.ndarray]) -> Values:
        """Returns the scores; several splits are repetitions."""
        return {
            (str(label), name, "mean"): float(result[name][k])
            for k, label in enumerate(result["methods"])
            for name in _SCORES
        }

    def small(self, smoke: "Smoke") -> Self:
        """Returns the step with a few epochs and samples."""
        return dataclasses.replace(smoke.small(self), **_FEW)

    def _predict(self, data):
        """Yields the label of each method, and its predictions `(members, N, 2)`."""
        keras.utils.set_random_seed(self.split)
        x, y = data.x_train, data.y_train
        steps = max(1, len(x) // self.batch_size)
        model = self._network(data.input_shape, steps)
        generator = np.random.default_rng(self.split)

        def fit(epochs, *callbacks):
            """As one epoch of Keras, which takes longer to begin than such an epoch to train."""
            orders = [generator.permutation(len(x)) for _ in range(epochs)]
            rows = np.concatenate([order[: steps * self.batch_size] for order in orders])
            passes = {"callbacks": callbacks, "shuffle": False, "verbose": 0}
            model.fit(x[rows], y[rows], self.batch_size, **passes)

        fit(self.epochs)
        yield "sgd", model.predict(data.x_test, verbose=0)[None]
        swag = SWAG(0, every=steps, unit="steps", max_rank=_RANK)
        fit(self.swag_epochs, swag)
        posterior = swag.posterior
        sampled = {"swag": posterior.ensemble(self.num_samples, seed=0, output="regression")}
        subspace = Subspace.principal(posterior, self.dimensions)
        temperature = len(x) / _RANK if self.temperature is None else self.temperature
        settings = {"temperature": temperature, "prior_std": self.prior_std}
        inside = SubspacePosterior(subspace, (x, y), batch_size=len(x), **settings)
        samples = inside.slice_sample(
            self.num_samples, burn_in=self.burn_in, thin=5, seed=self.split, verbose=0
        )
        sampled["pca slice"] = samples.ensemble(output="regression")
        fitted = inside.fit_gaussian().sample(self.num_samples, seed=self.split)
        sampled["pca variational"] = fitted.ensemble(output="regression")
        for label, ensemble in sampled.items():
            yield label, ensemble.member_predictions(data.x_test)

    def _network(self, input_shape, steps):
        decay = keras.regularizers.L2(self.weight_decay / 2)
        decays = {"kernel_regularizer": decay, "bias_regularizer": decay}
        inputs = keras.Input(input_shape)
        hidden = keras.layers.Dense(self.units, activation="relu", **decays)(inputs)
        raw = keras.layers.Dense(2, **decays)(hidden)
        variance = keras.layers.Activation("softplus")(raw[:, 1:])
        model = keras.Model(inputs, keras.layers.Concatenate()([raw[:, :1], variance]))
        rate = SWASchedule(self.epochs * steps, self.learning_rate, self.swag_learning_rate)
        optimizer = keras.optimizers.SGD(rate, momentum=0.9)
        model.compile(optimizer, GaussianLikelihood(), steps_per_execution=steps)
        return model


def _scores(members, data):
    """Log-likelihood in the target's units, share of targets in 95 % intervals, and RMSE."""
    members, y = members.astype("float64"), data.y_test[:, 0]
    mean, variance = members[..., 0], np.maximum(members[..., 1], 1e-10)
    std = getattr(data, "target_std", 1.0)
    logs = -0.5 * (np.log(2 * np.pi * variance) + (y - mean) ** 2 / variance)
    logs = logsumexp(logs, axis=0) - np.log(len(logs)) - np.log(std)
    difference = np.abs(y - mean.mean(0))
    spread = np.sqrt(variance.mean(0) + mean.var(0))
    root = std * np.sqrt((difference**2).mean())
    return float(logs.mean()), float((difference < 1.96 * spread).mean()), float(root)
