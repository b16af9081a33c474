"""The distance of training from its start in weight space."""

import numpy as np

from mc_tf.backend.array_kinds import is_finite
from mc_tf.callbacks.step_callback import StepCallback, check_length
from mc_tf.storage.snapshots import read_snapshot, take_snapshot
from mc_tf.typing import Logs, PathLike
from mc_tf.warning import warn

__all__ = ["DistanceFromStart"]


class DistanceFromStart(StepCallback):
    """Records the distance in weight space from the start of training (figure 3 of the paper).

    The logs of each epoch contain `distance_from_start`, after its last step.

    Args:
        start: origin of the distances: a snapshot file, a flat vector `(P,)`, or `None` (default)
            for the weights at the start of `fit`.
        every: also record every N steps, in `history`. Default: after epochs only.

    Attributes:
        history: list of `(step, distance)` of the latest `fit`.

    Raises:
        ValueError: if `every` is invalid or `start` has another number of weights.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> distance = DistanceFromStart()
        >>> _ = model.fit(np.ones((8, 1)), np.zeros(8), verbose=0, callbacks=[distance])
        >>> distance.history[-1][0]
        1
    """

    def __init__(
        self, start: np.ndarray | PathLike | None = None, every: int | None = None
    ) -> None:
        super().__init__()
        if every is not None:
            check_length("every", every, "steps")
        self.start = start
        self.every = every
        self.history: list[tuple[int, float]] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of training."""
        super().on_train_begin(logs)
        self.history = []
        self._said = False

    def on_counting(self, step: int) -> None:
        """Determines the origin of the distances."""
        weights = take_snapshot(self.model).weights
        if self.start is None:
            self._from = weights
        elif hasattr(self.start, "shape"):
            self._from = np.asarray(self.start)
        else:
            self._from = read_snapshot(self.start).weights
        if self._from.shape != weights.shape:
            raise ValueError(
                f"`start` has {self._from.size} weights, but the model '{self.model.name}' has "
                f"{weights.size}. Pass weights of the same network."
            )
        if not is_finite(self._from):
            raise ValueError(
                "The weights to measure distances from are not finite. Pass finite weights as "
                "`start`."
            )

    def next_step(self, step: int) -> int | None:
        """Returns the next step to record."""
        return None if self.every is None else (step // self.every + 1) * self.every

    def on_step(self, step: int) -> None:
        """Records the distance."""
        weights = take_snapshot(self.model).weights.astype("float64")
        distance = float(np.linalg.norm(weights - self._from))
        if not np.isfinite(distance) and not self._said:
            self._said = True
            warn(
                f"Training diverged: the weights after step {step} are not finite, nor is their "
                "distance from the start."
            )
        if not self.history or self.history[-1][0] != step:
            self.history.append((step, distance))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the end of each epoch."""
        self.on_step(self.step)
        if logs is not None:
            logs["distance_from_start"] = self.history[-1][1]
