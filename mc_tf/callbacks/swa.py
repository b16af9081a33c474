"""Stochastic weight averaging (arXiv 1803.05407) as a callback."""

import os
from collections.abc import Collection

import keras

from mc_tf.backend.keras_internals import own_rate
from mc_tf.callbacks.averaged_network import AveragedNetwork
from mc_tf.callbacks.final_weights import FinalWeights
from mc_tf.callbacks.held_directory import HoldsDirectory
from mc_tf.callbacks.learning_rate_cycle import LearningRateCycle, cycle_of
from mc_tf.callbacks.optimizers import innermost_optimizer
from mc_tf.callbacks.rates import RateWatch, refuse_schedulers, warn_of_other_optimizers
from mc_tf.callbacks.trigger import Trigger, next_place
from mc_tf.typing import Data, Logs, Mode, PathLike, Unit
from mc_tf.warning import warn
from mc_tf.weights.flat import flat_weights

__all__ = ["SWA"]


class SWA(HoldsDirectory, Trigger, AveragedNetwork):  # type: ignore[override]
    """Averages the weights along the training trajectory (Algorithm 1 of arXiv 1803.05407).

    Training itself is not affected and keeps its own weights. The average is stored in float64,
    whatever the precision of the model. If training diverges (weights, statistics or other state
    are not finite), such networks are skipped with one warning, and the average of earlier ones is
    kept.

    Args:
        start_epoch: epoch at which averaging starts, counted from 0 as in `fit`.
        every: add the weights every N epochs or steps. Default: at the minima of `cycle`, or every
            epoch without a cycle.
        unit: unit of `every`: `"epochs"` (default) or `"steps"` (weight updates).
        cycle: the callback that sets a cyclic learning rate (`LinearCyclicLearningRate`,
            `CyclicLearningRate`, ...), which must have the same `start_epoch`.
        learning_rate: constant rate from `start_epoch` on; cannot be combined with a cyclic
            learning rate. Default: the rate is not changed. If `LearningRateScheduler` or a similar
            callback sets the rate of earlier epochs, pass this callback after it.
        include_start: whether the average includes the weights at the start, as in Algorithm 1.
            Default `True`.
        batch_norm_data: one epoch of the training data, as for `update_batch_norm`, for estimating
            the statistics of the averaged network. Required for models with batch normalization;
            `False` keeps the statistics of training. With `validation_data`, each epoch makes a
            pass over it, so a few thousand examples are recommended: `train.take(20)`.
        validation_data: data for evaluating the averaged network after each epoch, as for
            `Model.evaluate`, or a tuple `(x, y)`. The logs then contain `swa_val_loss` and metrics
            such as `swa_val_accuracy`; they are NaN before averaging starts. Callbacks that monitor
            them must come after this one and must not treat NaN as the best: use
            `EarlyStopping(monitor="swa_val_loss", mode="min", start_from_epoch=start_epoch)` and
            `ModelCheckpoint(..., initial_value_threshold=np.inf)` (`-np.inf` for `mode="max"`).
            Other callbacks save or restore the weights of training, not the average:
            `EarlyStopping(restore_best_weights=True)` after this one replaces the average at the
            end, with a warning. For the best averaged network use `best_path`.
        best_path: `.keras` file for the best averaged network. Default: none.
        monitor, mode: criterion for the best network: name in the logs, and `"min"` or `"max"`.
            Default: the lowest `swa_val_loss`.
        directory: directory for the average, so that interrupted training resumes with the
            identical average. Pass this callback before the one that writes checkpoints. Averages
            of an earlier execution are replaced step by step, and removed beyond the end of this
            one.
        keep: number of latest averages to keep in the directory, default 2. Training cannot resume
            from a checkpoint older than the oldest average.
        keep_epochs: also keep the averages after these numbers of epochs, as counted by `fit`.
            Default: none.
        end_with_average: whether the model has the averaged weights after `fit`. Default `True`.
        steps_per_epoch: batches per epoch, for data sets of unknown length.

    Attributes:
        average: `WeightAverage`: `average.mean`, `average.count`.

    Raises:
        ValueError: if an argument is invalid, training ends before the start, or it resumes from a
            checkpoint without the matching average.

    Example:
        >>> import mc_tf
        >>> swa = mc_tf.SWA(start_epoch=160, learning_rate=0.05, batch_norm_data=False)
        >>> # model.fit(train, epochs=200, callbacks=[swa])
    """

    done = "averaged"

    def __init__(
        self,
        start_epoch: int,
        every: int | None = None,
        unit: Unit = "epochs",
        cycle: LearningRateCycle | None = None,
        learning_rate: float | None = None,
        include_start: bool = True,
        batch_norm_data: Data | None = None,
        validation_data: Data | None = None,
        best_path: PathLike | None = None,
        monitor: str = "swa_val_loss",
        mode: Mode = "min",
        directory: PathLike | None = None,
        keep: int = 2,
        keep_epochs: Collection[int] = (),
        end_with_average: bool = True,
        steps_per_epoch: int | None = None,
    ) -> None:
        super().__init__(
            start_epoch,
            steps_per_epoch,
            batch_norm_data,
            validation_data,
            best_path,
            monitor,
            mode,
        )
        self.set_places(cycle, every, unit)
        if cycle is not None and (
            not isinstance(cycle, LearningRateCycle) or cycle.start_epoch != start_epoch
        ):
            raise ValueError(
                "`cycle` must be a callback such as LinearCyclicLearningRate with the same "
                f"start_epoch={start_epoch}. Received: {cycle!r} with start_epoch="
                f"{getattr(cycle, 'start_epoch', None)}"
            )
        if cycle is not None and learning_rate is not None:
            raise ValueError("Pass either a `cycle` or a constant `learning_rate`, not both.")
        if keep < 1:
            raise ValueError(f"`keep` must be at least 1. Received: {keep}")
        self.learning_rate = learning_rate
        self.include_start = include_start
        self.directory = None if directory is None else os.fspath(directory)
        self.keep = keep
        self.keep_epochs = tuple(keep_epochs)
        self.end_with_average = end_with_average
        self._final = FinalWeights(
            self,
            f"Pass {type(self).__name__} after it. This average is in `with swa.averaged() as "
            "model: ...`.",
        )

    # Steps.

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of training."""
        super().on_train_begin(logs)
        rate = own_rate(innermost_optimizer(self.model))
        if self.learning_rate is not None and not isinstance(rate, keras.Variable):
            raise ValueError(
                "`learning_rate` sets the rate, but the optimizer was compiled with a schedule "
                f"({type(rate).__name__}). Compile it with a number."
            )
        self._check_one_rate()
        if self.learning_rate is not None:
            refuse_schedulers(self)
            warn_of_other_optimizers(self)
            name = type(self).__name__
            self._watch = RateWatch(
                self,
                f"replaces the rate of {name}(learning_rate={self.learning_rate}). Pass {name} "
                "after it.",
            )
        self.hold_directory()
        self._final.come_last()

    def _check_one_rate(self):
        cycle = cycle_of(self.model)
        if self.learning_rate is not None and cycle is not None:
            raise ValueError(
                f"`{type(self).__name__}(learning_rate={self.learning_rate})` and "
                f"{type(cycle).__name__} both set the learning rate, and only the cyclic one would "
                "have an effect. Drop `learning_rate` (and pass `cycle=` to average at the minima "
                f"of the cycles), or drop {type(cycle).__name__} from the callbacks."
            )

    def resume_at(self, step: int) -> None:
        """Loads the average of the step at which training resumes."""
        self.begin_watching()
        if self._finite.problem() is None:
            self.keep_state()
        self._first, self._distance = self.find_places()
        self.check_reached_in_fit(step)
        after = [epochs - self.start_epoch for epochs in self.keep_epochs]
        self._keep_steps = [self.epochs_as_steps(epochs) for epochs in after if epochs >= 0]
        expected = self._last_place(step)
        kind, settings = self.average_kind, self.average_settings
        if self.directory is not None and step and expected is not None:
            # Files of an earlier execution at other steps are ignored.
            self.average = kind.load(self.directory, expected, **settings)
        elif self.directory is not None or not step or (self.average.step or 0) > step:
            self.average = kind(**settings)  # at step 0 existing files belong to another start
        if step == 0:
            if self.include_start:
                self.on_step(0)
        elif self.average.step != expected:
            has = "none" if not self.average.count else f"the one of step {self.average.step}"
            raise ValueError(
                f"Training resumes at step {step} after the start of averaging, but there is no "
                f"average of step {expected} to resume from (there is {has}). Pass the `directory` "
                "of that run, with a larger `keep` if checkpoints are rare, or start over."
            )
        elif self.average.count + self.average.left_out != self._count_at(step):
            raise ValueError(
                f"The average of step {step} has {self.average.count} networks, but with these "
                f"settings it would have {self._count_at(step)}: `every`, `cycle` or "
                "`include_start` were different. Use the settings of the resumed run, or start "
                "over."
            )
        size = flat_weights(self.model).size
        if self.average.count and self.average.mean.size != size:
            raise ValueError(
                f"The average in '{self.directory}' has {self.average.mean.size} weights, but the "
                f"model '{self.model.name}' has {size}. Choose another directory."
            )

    def next_step(self, step: int) -> int | None:
        """Returns the next step whose weights are added."""
        if step < 0 and self.include_start:
            return 0
        return next_place(step, self._first, self._distance)

    def _last_place(self, step):
        if step >= self._first:
            return step - (step - self._first) % self._distance
        return 0 if step >= 0 and self.include_start else None

    def _count_at(self, step):
        """Returns the number of networks in the average after a number of steps."""
        places = (step - self._first) // self._distance + 1 if step >= self._first else 0
        return places + (step >= 0 and self.include_start)

    # Average.

    def on_step(self, step: int) -> None:
        """Adds the weights, if they are finite."""
        if self.is_sound(step):
            self.average.add(flat_weights(self.model), step)
            self.keep_state()
        elif self.average.count:
            self.average.leave_out(step)
        if self.directory is not None and self.average.count:
            self.average.save(self.directory, self.keep, self._keep_steps)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the start of each epoch."""
        self._check_one_rate()  # the cycle may come later in the list
        super().on_epoch_begin(epoch, logs)
        if self.learning_rate is not None and epoch >= self.start_epoch:
            self.model.optimizer.learning_rate = self.learning_rate
            self._watch.expect()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the end of each epoch."""
        super().on_epoch_end(epoch, logs)
        if self.learning_rate is not None:
            self._watch.look(epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Assigns the average to the model, if requested."""
        super().on_train_end(logs)
        only_start = self._run is not None and self.average.step == 0 and self.step > 0
        if self.to_be_continued and (only_start or not self.average.count):
            return
        if only_start and not self.diverged or not self.average.count:
            warn(
                f"Training ended before step {self._first} after the start of epoch "
                f"{self.start_epoch}, the first whose weights would have been averaged, so the "
                "model keeps its own."
            )
            return
        if self.directory is not None:
            self.average.remove_later(self.directory, self.average.step)
        if self.end_with_average:
            self._assign(self.model)
            self._final.expect()
