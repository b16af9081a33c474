"""A regression with one input, for plotting the functions along a curve."""

import dataclasses

import keras
import numpy as np

from mc_tf.data.arrays import InMemoryData

__all__ = ["RegressionData", "load_regression"]

_NOISE = 0.1
_GAPS = ((-1.0, -0.6), (-0.15, 0.25), (0.6, 1.0))  # ranges of inputs; networks differ between them


def load_regression(use_test=False):
    """Generates noisy values of a smooth function at inputs in three groups, with a fixed seed.

    `y = sin(4 x) + 0.4 cos(13 x)` with noise of standard deviation 0.1, similar to the one-input
    regressions in illustrations of mode connectivity. Nothing is downloaded.

    Args:
        use_test: Whether to test on 60 separate inputs instead of the last fifth of the 60 training
            inputs.

    Returns:
        `RegressionData`.
    """
    generator = np.random.default_rng(0)
    parts = {}
    for part in ("train", "test"):
        x = np.concatenate([generator.uniform(low, high, 20) for low, high in _GAPS])
        x = generator.permutation(x)[:, None].astype("float32")
        noise = _NOISE * generator.standard_normal(x.shape)
        y = (np.sin(4 * x) + 0.4 * np.cos(13 * x) + noise).astype("float32")
        parts[part] = (x, y)
    data = RegressionData(*parts["train"], *parts["test"], noise=_NOISE)
    return data if use_test else data.held_out(12)


@dataclasses.dataclass(frozen=True, eq=False)
class RegressionData(InMemoryData):
    """Inputs and real targets in memory, and batches for training and evaluation.

    Args:
        x_train, x_test: float32 arrays `(n, inputs)`.
        y_train, y_test: float32 arrays `(n, outputs)`.
        test_name: `"test"`, or `"validation"` for held-out training examples.
        name: Name for messages and result files.
        noise: Standard deviation of the noise in the targets, if known. Defaults to `None`.

    Example:
    >>> data = load_regression(use_test=True)
    >>> data.input_shape, data.num_train, data.num_test
    ((1,), 60, 60)
    """

    x_train: np.ndarray = dataclasses.field(repr=False)
    y_train: np.ndarray = dataclasses.field(repr=False)
    x_test: np.ndarray = dataclasses.field(repr=False)
    y_test: np.ndarray = dataclasses.field(repr=False)
    test_name: str = "test"
    name: str = "regression"
    noise: float | None = None

    @property
    def num_classes(self) -> int:  # type: ignore[override]
        """Number of outputs of a network."""
        return self.y_train.shape[1]

    def loss(self) -> keras.losses.Loss:
        """Returns the training loss, the mean squared error."""
        return keras.losses.MeanSquaredError()

    def metrics(self) -> list[keras.metrics.Metric]:
        """Returns a list of new Keras metrics."""
        return [keras.metrics.RootMeanSquaredError(name="root_mean_squared_error")]
