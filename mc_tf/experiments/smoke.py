"""Small versions of experiments, for trying recipes in less than a minute."""

import dataclasses
import math

from mc_tf.experiments.steps.step import Saved, networks_in
from mc_tf.experiments.steps.train import Train
from mc_tf.training import TrainingOptions

# Values of fields of steps and grids: few points, on all examples of the smoke run.
FEW = {"num_points": 3, "shape": 3, "line_points": 3, "num_rays": 2}
FEW |= {"num_train": None, "num_test": None, "num_vertices": 2}
FEW |= {"num_samples": 3, "dimensions": 1, "burn_in": 2}


def made_small(experiment, keep_batches=False):
    """Returns an experiment with few epochs and positions; its figures say so.

    Texts need `keep_batches`: their batch sizes stay as they are.
    """
    smoke = Smoke(experiment, keep_batches)
    steps = tuple(step.small(smoke) for step in experiment.steps)
    title = "Smoke run, no result" + (f": {experiment.title}" if experiment.title else "")
    return dataclasses.replace(experiment, steps=steps, title=title, cost=None)


class Smoke:
    """Makes steps of an experiment small, and with them the networks that they refer to."""

    def __init__(self, experiment, keep_batches=False):
        self.keep_batches = keep_batches
        self._trainings = {s.name: s.training for s in experiment.steps if isinstance(s, Train)}
        checkpoints = [s for s in networks_in(experiment.steps) if s.kind == "checkpoint"]
        left = [(self._trainings[s.training], s.number) for s in checkpoints]
        # Plain trainings that other steps leave before the end.
        self._left = [
            options
            for options, number in left
            if number < options.epochs and not options.cycle_epochs and options.swa_start is None
        ]

    def small(self, value):
        """Returns a small step, or a small value of one of its fields."""
        if isinstance(value, Saved):
            return self._saved(value)
        if isinstance(value, TrainingOptions):
            return self._training(value)
        if isinstance(value, dict):
            return {key: self.small(part) for key, part in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)(map(self.small, value))
        if dataclasses.is_dataclass(value):
            few = {n: FEW[n] if n in FEW else self.small(v) for n, v in vars(value).items()}
            return dataclasses.replace(value, **few)
        return value

    def _training(self, options):
        """Few epochs of small batches, or at most three cycles of one epoch."""
        epochs, changes = self._epochs(options), {"save_every": 1}
        if options.cycle_epochs:
            changes["cycle_epochs"] = 1
        if options.swa_start is not None:
            changes |= {"swa_start": options.swa_start * epochs // options.epochs, "swa_every": 1}
        if options.trajectory_every:
            changes["trajectory_every"] = 1
        kept = {_small_epoch(epoch, options.epochs, epochs) for epoch in options.keep_epochs}
        changes["keep_epochs"] = tuple(sorted(kept))
        if not self.keep_batches:  # comparisons of large and small batches remain meaningful
            changes["batch_size"] = 64 if options.batch_size > 512 else 32
        return dataclasses.replace(options, epochs=epochs, **changes)

    def _saved(self, saved):
        if not saved.number:
            return saved
        options = self._trainings[saved.training]
        whole, small = options.epochs, self._epochs(options)
        if saved.kind == "member":
            whole //= options.cycle_epochs
        number = _small_epoch(saved.number, whole, small)
        if options in self._left and saved.number < whole:
            number = min(number, small - 1)  # a network other than the last one
        return dataclasses.replace(saved, number=number)

    def _epochs(self, options):
        if options.cycle_epochs:
            return min(options.epochs // options.cycle_epochs, 3)
        if options.swa_start is not None:
            return min(options.epochs, 4)
        several = options.keep_every or options.trajectory_every or options in self._left
        return min(options.epochs, 2 if several else 1)


def _small_epoch(epoch, epochs, small):
    """Converts an epoch of `epochs` in the full run to an epoch of `small` in the smoke run."""
    return math.ceil(epoch * small / epochs)
