"""Stochastic weight averaging (arXiv 1803.05407) as a callback."""

import os
import warnings
from collections.abc import Collection

import keras

from mc_tf.backend.keras_internals import own_rate
from mc_tf.callbacks.averaged_network import AveragedNetwork
from mc_tf.callbacks.final_weights import FinalWeights
from mc_tf.callbacks.held_directory import HoldsDirectory
from mc_tf.callbacks.learning_rate_cycle import LearningRateCycle, cycle_of
from mc_tf.callbacks.optimizers import innermost_optimizer
from mc_tf.callbacks.places import AtPlaces, next_place
from mc_tf.callbacks.rates import RateWatch, refuse_schedulers, warn_of_other_optimizers
from mc_tf.storage.averages import WeightAverage
from mc_tf.typing import Data, Logs, Mode, PathLike, Unit
from mc_tf.weights.flat import flat_weights

__all__ = ["SWA"]


class SWA(HoldsDirectory, AtPlaces, AveragedNetwork):  # type: ignore[override]
    """Averages the weights that training comes by (Algorithm 1 of arXiv 1803.05407).

    Training itself is not touched: it goes on with its own weights. The average is held in
    float64 whatever the precision of the model. Where training diverges (weights, or statistics and
    other state, are no longer finite) such networks are left out with one warning, and the average
    of those before is kept.

    Args:
        start_epoch: epoch, as `fit` counts them from 0, at whose beginning averaging starts.
        every: add the weights after each so many epochs or steps. Default: 1 epoch if there is no
            `cycle`, otherwise at its minima.
        unit: of `every`: `"epochs"` (default) or `"steps"` (updates of the weights).
        cycle: the callback that sets a cyclic learning rate (`LinearCyclicLearningRate`,
            `CyclicLearningRate`, ...), which must have the same `start_epoch`.
        learning_rate: constant rate from `start_epoch` on, not beside a callback that sets a
            cyclic one. Default: the rate is left alone. Where `LearningRateScheduler` or the like
            sets the rate of the epochs before, give this callback after it.
        include_start: whether the weights at the start are the first of the average, as in
            Algorithm 1. Default `True`.
        batch_norm_data: one pass of the training data, as `update_batch_norm` takes it: the
            averaged network's statistics are estimated on it. A model with batch normalization
            needs it; `False` leaves the statistics as training has them. Each epoch with an
            average costs a pass over it if there is `validation_data`, so give some thousand
            examples: `train.take(20)`.
        validation_data: data on which the averaged network is evaluated after each epoch, as
            `Model.evaluate` takes it, or a tuple `(x, y)`. The logs then have `swa_val_loss` and
            the metrics likewise, NaN before there is an average. Callbacks that monitor them come
            after this one and must not take NaN for the best: give
            `EarlyStopping(monitor="swa_val_loss", mode="min", start_from_epoch=start_epoch)` and
            `ModelCheckpoint(..., initial_value_threshold=np.inf)` (`-np.inf` for `mode="max"`).
            What other callbacks save or restore are the weights of training, not the average:
            `EarlyStopping(restore_best_weights=True)` after this one replaces the average at the
            end, which a warning says. For the best averaged network there is `best_path`.
        best_path: `.keras` file for the best averaged network. Default: none.
        monitor, mode: what is best: name in the logs, and `"min"` or `"max"`. Default: the lowest
            `swa_val_loss`.
        directory: where the average is kept, so that training that was stopped goes on with it,
            bit for bit. Give this callback before the one that writes checkpoints. What a former
            run left there is replaced step by step, and removed beyond the end of this one.
        keep: how many of the latest averages the directory keeps, default 2. A checkpoint that is
            older than the oldest of them cannot go on.
        keep_epochs: the averages after these numbers of epochs, as `fit` counts them, are kept
            there too. Default: none.
        end_with_average: whether the model has the averaged weights after `fit`. Default `True`.
        steps_per_epoch: batches of an epoch, where the data set does not say it.

    Attributes:
        average: `WeightAverage`: `average.mean`, `average.count`.

    Raises:
        ValueError: if an argument cannot be, training ends before the start, or it goes on from a
            checkpoint without the average that belongs to it.

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
            raise ValueError("Give either a `cycle` or a constant `learning_rate`, not both.")
        if keep < 1:
            raise ValueError(f"`keep` must be at least 1. Received: {keep}")
        self.learning_rate = learning_rate
        self.include_start = include_start
        self.directory = None if directory is None else os.fspath(directory)
        self.keep = keep
        self.keep_epochs = tuple(keep_epochs)
        self.end_with_average = end_with_average
        self._final = FinalWeights(
            self, "Give SWA after it. This average is in `with swa.averaged() as model: ...`."
        )

    # Where.

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Keras' hook."""
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
            self._watch = RateWatch(
                self,
                f"replaces the rate of SWA(learning_rate={self.learning_rate}). Give SWA after it.",
            )
        self.hold_directory()
        self._final.come_last()

    def _check_one_rate(self):
        cycle = cycle_of(self.model)
        if self.learning_rate is not None and cycle is not None:
            raise ValueError(
                f"`SWA(learning_rate={self.learning_rate})` and {type(cycle).__name__} both set "
                "the learning rate, and only the cyclic one would count. Drop `learning_rate` "
                "(and give `cycle=` to average at the minima of the cycles), or drop "
                f"{type(cycle).__name__} from the callbacks."
            )

    def resume_at(self, step: int) -> None:
        """Finds the average that belongs to the step at which training goes on."""
        self.begin_watching()
        if self._finite.problem() is None:
            self.keep_state()
        self._first, self._distance = self.find_places()
        self.check_reached_in_fit(step)
        after = [epochs - self.start_epoch for epochs in self.keep_epochs]
        self._keep_steps = [self.epochs_as_steps(epochs) for epochs in after if epochs >= 0]
        expected = self._last_place(step)
        if self.directory is not None:
            self.average = WeightAverage()
            if expected is not None:  # what a former run left at other steps does not count
                self.average = WeightAverage.load(self.directory, expected)
        elif self.average.count and self.average.step > step:
            self.average = WeightAverage()
        if step == 0:  # whatever is there belongs to another beginning
            self.average = WeightAverage()
            if self.include_start:
                self.on_step(0)
        elif self.average.step != expected:
            has = "none" if not self.average.count else f"the one of step {self.average.step}"
            raise ValueError(
                f"Training goes on at step {step} after the start of averaging, but there is no "
                f"average of step {expected} to go on with (there is {has}). Give the `directory` "
                "of that run, with a larger `keep` if checkpoints are rare, or start anew."
            )
        elif self.average.count + self.average.left_out != self._count_at(step):
            raise ValueError(
                f"The average of step {step} has {self.average.count} networks, but with these "
                f"settings it would have {self._count_at(step)}: `every`, `cycle` or "
                "`include_start` were others. Give those of the resumed run, or start anew."
            )
        size = flat_weights(self.model).size
        if self.average.count and self.average.mean.size != size:
            raise ValueError(
                f"The average in '{self.directory}' has {self.average.mean.size} weights, but the "
                f"model '{self.model.name}' has {size}. Give another directory."
            )

    def next_step(self, step: int) -> int | None:
        """The next step whose weights are added."""
        if step < 0 and self.include_start:
            return 0
        return next_place(step, self._first, self._distance)

    def _last_place(self, step):
        if step >= self._first:
            return step - (step - self._first) % self._distance
        return 0 if step >= 0 and self.include_start else None

    def _count_at(self, step):
        """How many networks the average has after so many steps."""
        places = (step - self._first) // self._distance + 1 if step >= self._first else 0
        return places + (step >= 0 and self.include_start)

    # What.

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
        """Keras' hook."""
        self._check_one_rate()  # the cycle may come later in the list
        super().on_epoch_begin(epoch, logs)
        if self.learning_rate is not None and epoch >= self.start_epoch:
            self.model.optimizer.learning_rate = self.learning_rate
            self._watch.expect()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keras' hook."""
        super().on_epoch_end(epoch, logs)
        if self.learning_rate is not None:
            self._watch.look(epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Keras' hook: gives the model the average, if that is wanted."""
        super().on_train_end(logs)
        only_start = self._run is not None and self.average.step == 0 and self.step > 0
        if self.to_be_continued and (only_start or not self.average.count):
            return
        if only_start and not self.diverged or not self.average.count:
            warnings.warn(
                f"Training ended before step {self._first} after the beginning of epoch "
                f"{self.start_epoch}, the first whose weights would have been averaged, so the "
                "model has its own.",
                stacklevel=2,
            )
            return
        if self.directory is not None:
            WeightAverage.remove_later(self.directory, self.average.step)
        if self.end_with_average:
            self._assign(self.model)
            self._final.expect()
