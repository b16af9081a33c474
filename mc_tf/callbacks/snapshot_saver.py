"""Saves members of an ensemble during training."""

import os

import keras
import numpy as np
from keras import ops

from mc_tf.arguments import check_path
from mc_tf.backend.keras_internals import own_rate
from mc_tf.callbacks.held_directory import HoldsDirectory
from mc_tf.callbacks.learning_rate_cycle import LearningRateCycle
from mc_tf.callbacks.optimizers import innermost_optimizer
from mc_tf.callbacks.step_callback import StepCallback
from mc_tf.callbacks.trigger import Trigger, next_place
from mc_tf.storage.checksums import DamagedFileError
from mc_tf.storage.files import numbered_files, remove
from mc_tf.storage.snapshots import read_snapshot, save_snapshot, take_snapshot
from mc_tf.typing import Logs, PathLike, Unit
from mc_tf.warning import warn

__all__ = ["SnapshotSaver", "snapshot_files"]

_START = "start.npz"


class SnapshotSaver(HoldsDirectory, Trigger, StepCallback):  # type: ignore[override]
    """Saves the network at the minima of a cyclic learning rate, or every N steps.

    With `CyclicLearningRate` this is the middle of each cycle (Algorithm 1 of the paper:
    `mod(i, c) = c / 2`), with `CosineCyclicLearningRate` the end. Each network is written to disk
    atomically, so memory does not grow and saved files are always complete. A run resumed from its
    checkpoint continues in the same directory. Snapshots saved after the checkpoint, or by an
    earlier execution of the same run, are replaced step by step, and removed beyond the end; until
    then `members` lists only new ones. (A checkpoint from before `start_epoch` needs `replace` to
    resume in a directory with snapshots.)

    Args:
        directory: directory for `snapshot-00000390.npz` and so on (the number is the step), and
            `start.npz` with the weights at step 0. Created if necessary.
        cycle: the callback that sets the learning rate. Default: none, use `every`.
        every: save every N epochs or steps, instead of at the minima. Default: 1 epoch if there is
            no cycle.
        unit: unit of `every`: `"epochs"` (default) or `"steps"` (weight updates).
        include_start: whether the weights at step 0 are a member, too (the paper's ImageNet
            ensemble includes the pretrained network). Default `False`.
        start_epoch: the epoch, counted from 0, from which cycles count. Default: the cycle's.
        steps_per_epoch: updates per epoch, if `fit` does not know it. Default: the cycle's.
        replace: whether existing snapshots are known to belong to this run. They are then replaced
            even if training resumes before step 0 or their start is lost, so that they cannot be
            compared. Default `False`.

    Attributes:
        members: files of the members so far, in order, for `Ensemble`.

    Raises:
        ValueError: if an argument is invalid, or (when training starts) the directory contains
            snapshots of another run.
        OSError: if a file cannot be written; earlier files are kept.

    If training diverges (weights, statistics or other state are not finite), such networks are not
    saved, with one warning; earlier ones are kept.

    Each file records `step`, `learning_rate` (of the last update), `distance_from_start` and
    `distance_from_previous`, Euclidean in weight space.

    Example:
        >>> import mc_tf
        >>> cycle = mc_tf.CyclicLearningRate(4, max_learning_rate=5e-2, min_learning_rate=5e-4)
        >>> saver = mc_tf.SnapshotSaver("runs/members", cycle)
        >>> # model.fit(train, epochs=22, callbacks=[cycle, saver])
        >>> # ensemble = mc_tf.Ensemble(model, saver.members)
    """

    def __init__(
        self,
        directory: PathLike,
        cycle: LearningRateCycle | None = None,
        every: int | None = None,
        unit: Unit = "epochs",
        include_start: bool = False,
        start_epoch: int | None = None,
        steps_per_epoch: int | None = None,
        replace: bool = False,
    ) -> None:
        check_path("directory", directory)
        if cycle is not None and not isinstance(cycle, LearningRateCycle):
            raise ValueError(
                "`cycle` must be a callback such as CyclicLearningRate or "
                f"CosineCyclicLearningRate. Received: {cycle!r}"
            )
        if start_epoch is None:
            start_epoch = cycle.start_epoch if cycle else 0
        super().__init__(start_epoch, steps_per_epoch or (cycle.steps_per_epoch if cycle else None))
        self.directory = os.fspath(directory)
        self.set_places(cycle, every, unit)
        self.include_start = include_start
        self.replace = replace
        self._reached = None  # during training: later snapshots are from an earlier execution

    @property
    def members(self) -> list[str]:
        """Files of the members so far, in order."""
        files, end = snapshot_files(self.directory, self.include_start), self._reached
        return [path for path in files if end is None or _step_of(path) <= end]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of training."""
        super().on_train_begin(logs)
        self.hold_directory()

    def resume_at(self, step: int) -> None:
        """Checks snapshots saved by an earlier part of this run.

        Raises:
            ValueError: if the directory contains snapshots of another run, or none would be saved.
        """
        self.begin_watching()
        self._places = self.find_places()
        self.check_reached_in_fit(step)
        start = os.path.join(self.directory, _START)
        before = bool(snapshot_files(self.directory))
        if step < 0 and before and not self.replace:
            raise self._not_ours(f"it has snapshots, but training starts at step {step}")
        if step == 0 and not os.path.exists(start) and (self.replace or not before):
            self._save_start()
        elif step >= 0:
            self._check_start(start, step)
        self._reached = step

    def _save_start(self):
        numbers = {"step": 0, "distance_from_start": 0.0, "distance_from_previous": 0.0}
        numbers |= dict(zip(("first_place", "place_distance"), self._places))
        numbers |= self._rates
        snapshot = take_snapshot(self.model, learning_rate=float("nan"), **numbers)
        save_snapshot(os.path.join(self.directory, _START), snapshot)

    def _check_start(self, start, step):
        if not os.path.exists(start):
            raise self._not_ours(f"it has no '{_START}', but training resumes at step {step}")
        try:
            begun = read_snapshot(start)
        except DamagedFileError as error:
            raise self._not_ours(f"its '{_START}' is damaged", DamagedFileError) from error
        begun.check_fits(self.model, f"The snapshot '{start}'")
        if step == 0 and not np.array_equal(begun.weights, take_snapshot(self.model).weights):
            raise self._not_ours("its snapshots belong to a run with other initial weights")
        places = begun.record.get("first_place"), begun.record.get("place_distance")
        if places != self._places:
            raise self._not_ours(
                f"its first snapshot is at step {places[0]} and others follow every {places[1]} "
                f"steps; now it would be {self._places[0]} and {self._places[1]}"
            )
        rates = {k: rate for k, rate in begun.record.items() if k.endswith("_learning_rate")}
        if rates and rates != self._rates:
            raise self._not_ours(f"its cycles have the rates {rates}; now they are {self._rates}")

    @property
    def _rates(self):
        return self.cycle.rates if self.cycle else {}

    def _not_ours(self, problem, error=ValueError):
        return error(
            f"The directory '{self.directory}' does not belong to this run: {problem}. Its "
            "snapshots stay usable. Choose another directory."
        )

    def next_step(self, step: int) -> int | None:
        """Returns the next step at which a network is saved, or the start."""
        if step < 0:
            return 0
        return next_place(step, *self._places)

    def on_step(self, step: int) -> None:
        """Saves the network."""
        self._reached = step
        path = os.path.join(self.directory, f"snapshot-{step:08d}.npz" if step else _START)
        if not self.is_sound(step):
            remove([path] if os.path.exists(path) else [])  # from an earlier execution
            return
        if step == 0:
            self._save_start()
            return
        snapshot = take_snapshot(self.model)
        earlier = [p for p in self.members if _step_of(p) < step]
        previous = earlier[-1] if earlier else os.path.join(self.directory, _START)
        start = os.path.join(self.directory, _START)
        numbers = {
            "step": step,
            "learning_rate": self._rate_before(step),
            "distance_from_start": _distance(snapshot, start),
            "distance_from_previous": _distance(snapshot, previous),
        }
        snapshot.record.update(numbers)
        save_snapshot(path, snapshot)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Removes snapshots left by a longer earlier execution."""
        super().on_train_end(logs)
        early = self._run is not None and self._run.trained and self._reached < self._places[0]
        if early and not self.to_be_continued:
            warn(
                f"Training ended before step {self._places[0]}, the first whose network "
                f"SnapshotSaver would have saved: '{self.directory}' has no member."
            )
        remove(set(snapshot_files(self.directory)) - set(self.members))

    def _rate_before(self, step):
        if self.cycle is not None:
            return float(ops.convert_to_numpy(self.cycle.rate_at(step - 1)))
        optimizer = innermost_optimizer(self.model)
        rate = own_rate(optimizer)
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            rate = rate(ops.maximum(optimizer.iterations - 1, 0))  # rate of the last update
        return float(ops.convert_to_numpy(rate))


def snapshot_files(directory: PathLike, include_start: bool = False) -> list[str]:
    """Lists the snapshots in a directory in the order of their steps.

    Args:
        directory: directory of a `SnapshotSaver`.
        include_start: whether the weights at step 0 come first. Default `False`.

    Returns:
        List of file names.
    """
    start = os.path.join(os.fspath(directory), _START)
    first = [start] if include_start and os.path.exists(start) else []
    return [*first, *numbered_files(directory, "snapshot").values()]


def _step_of(path):
    name = os.path.basename(path)
    return 0 if name == _START else int(name.removeprefix("snapshot-").removesuffix(".npz"))


def _distance(snapshot, path):
    if not os.path.exists(path):  # the start was not finite
        return float("nan")
    other = read_snapshot(path).weights
    return float(np.linalg.norm(snapshot.weights.astype("float64") - other.astype("float64")))
