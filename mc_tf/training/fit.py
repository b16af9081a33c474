"""Resumable `model.fit`: continues at any saved step, with data in the order of (seed, epoch)."""

import os
import warnings

import keras
import tensorflow as tf

from mc_tf.backend.keras_internals import build_metrics, scope_of
from mc_tf.callbacks.checkpoint import AtomicCheckpoint, BestCheckpoint
from mc_tf.callbacks.cyclic import (
    CosineCyclicLearningRate,
    CyclicLearningRate,
    LinearCyclicLearningRate,
)
from mc_tf.callbacks.recurrent_state import ResetRecurrentState
from mc_tf.callbacks.snapshot_saver import SnapshotSaver
from mc_tf.callbacks.swa import SWA
from mc_tf.callbacks.trigger import Trigger
from mc_tf.data.parts import parts_of_epoch
from mc_tf.distribute.global_batch import global_batch
from mc_tf.distribute.processes import is_chief, place
from mc_tf.evaluation.metric_directions import higher_is_better
from mc_tf.posterior import SWAG
from mc_tf.schedules import learning_rate_at
from mc_tf.storage.checkpoints import read_record
from mc_tf.training.history import HistoryFile
from mc_tf.training.kept import warn_of_lost
from mc_tf.training.networks import fixed_batch_size
from mc_tf.training.run_directory import RunDirectory

__all__ = ["check_cycles", "fit"]


def fit(model, path, data, options, steps, validate):
    """Trains a compiled model, resuming at the step of its checkpoint.

    Args:
        model: compiled Keras model, loaded from `path` if that exists.
        path: `.keras` file of the checkpoint; `history.csv` and logs are written next to it.
        data: `mc_tf.data.Dataset`.
        options: `TrainingOptions`.
        steps: batches per epoch, an int.
        validate: whether to evaluate after each epoch, on `data.validation_batches`.

    Returns:
        `model`.
    """
    epoch, first_step = divmod(_steps_done(model, path), steps)
    run = RunDirectory(os.path.dirname(path))
    history = HistoryFile(run.history)
    history.trim(epoch)
    warn_of_lost(path, epoch, options, validate)
    # Makes checkpoints complete, and avoids creating variables in a step, which is traced twice.
    if not model.optimizer.built:
        with scope_of(model):
            model.optimizer.build(model.trainable_variables)
    if options.epochs == 0 and not os.path.exists(path):
        AtomicCheckpoint(path).save(model)
    # These may change from run to run; a checkpoint brings its compile arguments.
    model.steps_per_execution = options.steps_per_execution
    if options.jit_compile != "auto":
        model.jit_compile = options.jit_compile
    verbose = options.verbose if is_chief() else 0
    size = fixed_batch_size(model) or options.eval_batch_size
    validation = data.validation_batches(size) if validate else None
    # First the rest of a partial epoch, then whole epochs.
    parts = [(epoch, epoch + 1, first_step)] if first_step else []
    parts.append((epoch + len(parts), options.epochs, 0))
    for start, end, first in parts:
        if start >= end:
            continue
        model.optimizer.learning_rate = options.learning_rate
        batches = _EpochBatches(data, options, range(first, steps), end)
        if first:  # the checkpoint has the metrics of the first part of the epoch
            build_metrics(model, next(iter(batches.dataset())))
        acting = list(_cycle_and_average(run, options, steps, end))
        for callback in acting:
            callback.to_be_continued = end < options.epochs
        callbacks = [
            *_scheduled_rate(options, end),
            batches,
            *acting,
            ResetRecurrentState(keep_first=first > 0),
            keras.callbacks.TerminateOnNaN(),  # the checkpoint reports it and keeps the last state
            *_optional_callbacks(run, data, options, validate),
            # Before the checkpoint, like all files: later rows are dropped when training resumes. A
            # row of NaN stays if the checkpoint is not written.
            history,
            AtomicCheckpoint(
                path,
                every=options.save_every,
                every_steps=options.save_every_steps,
                keep_every=options.keep_every,
                keep_epochs=options.keep_epochs,
                steps_per_epoch=steps,
                first_step=first,
            ),
        ]
        with warnings.catch_warnings():
            # The checkpoint reports it, too, in the last line of a program.
            warnings.filterwarnings("ignore", "Training diverged")
            with global_batch(model):
                model.fit(
                    batches.shared_by(model),
                    shuffle=False,  # the data set shuffles
                    initial_epoch=start,
                    epochs=options.epochs,
                    validation_data=validation,
                    verbose=verbose,
                    callbacks=callbacks,
                )
    return model


def check_cycles(options, steps):
    """Rejects a schedule whose cycles do not fit the data or the training.

    Args:
        options: `TrainingOptions`.
        steps: batches per epoch, an int.

    Raises:
        ValueError: if a triangular cycle has an odd number of steps, its largest rate is below its
            smallest, or training ends before the first network is saved or averaged.
    """
    for callback in _cycle_and_average(RunDirectory("."), options, steps, options.epochs):
        if isinstance(callback, Trigger):
            callback.check_reached(options.epochs)
        else:  # the cycle itself; its minima may not be used
            callback.places_in(callback)


def _cycle_and_average(run, options, steps, end):
    """Callbacks of ensembles and averages: before the checkpoint, which may be older."""
    cycle = None
    begun = end > (options.swa_start or 0)  # otherwise this is the rest of an earlier epoch
    if options.cycle_epochs is not None and begun:
        # Averaging at the minima of cycles starts with the cycles.
        start = {"start_epoch": options.swa_start or 0, "steps_per_epoch": steps}
        if options.schedule == "cosine_cycle":
            cycle = CosineCyclicLearningRate(options.cycle_epochs, options.learning_rate, **start)
        else:
            kinds = {"triangular_cycle": CyclicLearningRate}
            kind = kinds.get(options.schedule, LinearCyclicLearningRate)
            rates = options.learning_rate, options.min_learning_rate
            cycle = kind(options.cycle_epochs, *rates, **start)
        yield cycle
        if options.snapshots:
            yield SnapshotSaver(run.members, cycle, replace=True)
    if options.trajectory_every and (begun or options.cycle_epochs is None):
        settings = {"steps_per_epoch": steps, "replace": True}  # the directory belongs to this run
        every = options.trajectory_every
        yield SnapshotSaver(run.trajectory, cycle, every=every, unit="steps", **settings)
    if options.swa_start is not None and begun:
        swag = {} if options.swag_rank is None else {"max_rank": options.swag_rank}
        yield (SWAG if swag else SWA)(
            options.swa_start,
            **swag,
            every=None if cycle else options.swa_every,
            cycle=cycle,
            batch_norm_data=False,  # estimated once, at the end
            directory=run.path,
            keep=options.save_every + 1,
            keep_epochs=options.keep_epochs,
            end_with_average=False,
            steps_per_epoch=steps,
        )


def _scheduled_rate(options, end):
    """The learning rate of each epoch, unless a cycle sets it."""
    if options.cycle_epochs is None or end <= (options.swa_start or 0) or options.swa_start:
        yield keras.callbacks.LearningRateScheduler(lambda e, _: learning_rate_at(e, options))


def _optional_callbacks(run, data, options, validate):
    if options.keep_best and validate:
        # Before the checkpoint: if killed between the two, the epoch is trained again.
        name = data.metrics()[0].name
        mode = "max" if higher_is_better(name) else "min"
        yield BestCheckpoint(run.best, f"val_{name}", mode)
    if options.tensorboard and is_chief():
        yield keras.callbacks.TensorBoard(run.tensorboard)


class _EpochBatches(keras.callbacks.Callback):
    """A data set whose passes are the batches of successive epochs.

    Keras starts a new pass in each epoch, so that `steps_per_execution` cannot read past the end of
    an epoch, as it would with one infinite data set.

    Training stops at `end`, a number of epochs; Keras counts them as part of the total.
    """

    def __init__(self, data, options, steps, end):
        super().__init__()
        self._data, self._options, self._steps, self._end = data, options, steps, end
        with tf.device("CPU:0"):
            self._epoch = tf.Variable(0, dtype="int64", trainable=False)

    def dataset(self, part=(0, 1)):
        """The batches, or the part of each that one of several processes makes."""

        @tf.autograph.experimental.do_not_convert  # conversion is unnecessary and takes time
        def one_epoch(_):
            given = self._options.batch_size, self._options.seed, tf.identity(self._epoch)
            return parts_of_epoch(self._data, part, *given, self._steps[0])

        dataset = tf.data.Dataset.range(1).flat_map(one_epoch)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(self._steps)))
        return dataset.prefetch(tf.data.AUTOTUNE)

    def shared_by(self, model):
        """The batches for `fit`; a process with one device makes its part only."""
        part, strategy = place(), model.distribute_strategy
        if part[1] == 1 or part[1] < strategy.num_replicas_in_sync:
            return self.dataset()
        return strategy.distribute_datasets_from_function(lambda _: self.dataset(part))

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch.assign(epoch)

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self._end:
            self.model.stop_training = True


def _steps_done(model, path):
    """Steps trained up to the checkpoint; loss scaling can skip some updates."""
    if not os.path.exists(path):
        return 0
    return int(read_record(path).get("step", model.optimizer.iterations))
