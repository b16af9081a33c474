r"""What the callbacks of FGE, SWA and SWAG add to `fit`.

All variants train in turn, in one process, each in a separate `fit`. "Plain again" shows how far
a ratio is to be trusted. FGE saves a network in each second epoch, SWA and SWAG average after each
epoch, all to disk. The first epoch of a `fit` traces the train function, so later epochs are also
compared alone. Where other work disturbs the machine by more than the callbacks cost, trust the
share of the time of `fit` that passed within them.

  python benchmarks/callbacks.py --network=3conv3fc --batch_size=128 --steps=60
  python benchmarks/callbacks.py --variants=SWAG --steps=390 --epochs=3 --seconds=200
"""

import tempfile
import time

import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
flags.DEFINE_string("network", "fc", "Name in the registry.")
flags.DEFINE_integer("batch_size", 128, "Images a batch.", lower_bound=1)
flags.DEFINE_integer("steps", 150, "Training steps in an epoch.", lower_bound=2)
flags.DEFINE_integer("epochs", 2, "Epochs of a `fit`.", lower_bound=2)
flags.DEFINE_multi_enum("variants", ["FGE", "SWA", "SWAG"], ["FGE", "SWA", "SWAG"], "Callbacks.")
flags.DEFINE_integer("steps_per_execution", 1, "Steps that run as one call.", lower_bound=1)


class Inside:
    """Seconds within the hooks of callbacks, nested calls counted once."""

    def __init__(self, callbacks):
        self.seconds, self.depth = 0.0, 0
        for callback in callbacks:
            for name in dir(callback):
                if name.startswith("on_"):
                    setattr(callback, name, self.timed(getattr(callback, name)))

    def timed(self, hook):
        """A hook that adds its time."""

        def call(*arguments, **options):
            self.depth += 1
            began = time.perf_counter()
            try:
                return hook(*arguments, **options)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.seconds += time.perf_counter() - began

        return call


def fge(folder):
    """Callbacks that save a network in each second epoch."""
    import mc_tf

    cycle = mc_tf.CyclicLearningRate(2 * FLAGS.steps, 1e-4, 1e-5, unit="steps")
    return [cycle, mc_tf.SnapshotSaver(folder, cycle)]


def swa(folder):
    """The callback that averages after each epoch."""
    import mc_tf

    return [mc_tf.SWA(0, batch_norm_data=False, directory=folder, end_with_average=False)]


def swag(folder):
    """The callback that also keeps 20 deviations."""
    import mc_tf

    return [mc_tf.SWAG(0, batch_norm_data=False, directory=folder, end_with_average=False)]


def rows():
    """Yields two ratios and a share for each variant."""
    import keras
    import numpy as np

    import mc_tf

    data = measuring.images(FLAGS.steps * FLAGS.batch_size)
    model = mc_tf.models.build(FLAGS.network, 10, (32, 32, 3), weight_decay=5e-4)
    measuring.compile_network(model, steps_per_execution=FLAGS.steps_per_execution)
    made = {"FGE": fge, "SWA": swa, "SWAG": swag}
    variants = {"plain": None, "plain again": None} | {name: made[name] for name in FLAGS.variants}
    shares, later = ({label: [] for label in variants} for _ in range(2))

    def fit(label, make):
        with tempfile.TemporaryDirectory() as folder:
            callbacks, starts = make(folder) if make else [], []
            inside, began = Inside(callbacks), time.perf_counter()
            noted = keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: starts.append(time.perf_counter())
            )
            options = {"shuffle": False, "verbose": 0, "callbacks": [noted, *callbacks]}
            model.fit(*data, FLAGS.batch_size, epochs=FLAGS.epochs, **options)
            later[label].append(time.perf_counter() - starts[1])
            shares[label].append(100 * inside.seconds / (time.perf_counter() - began))

    runs = {label: lambda pair=pair: fit(*pair) for label, pair in zip(variants, variants.items())}
    times = measuring.rounds(runs)
    head = f"{FLAGS.network}, {FLAGS.steps} steps an epoch"
    for label in list(variants)[1:]:
        yield row(f"{head}: {label} / plain `fit`", times[label] / times["plain"], "", "floor 1")
    plain = np.array(later["plain"][1:])  # without the first `fit`
    for label in list(variants)[1:]:
        ratios = np.array(later[label][1:]) / plain
        yield row(f"{head}: {label} / plain, later epochs", ratios, "", "floor 1")
    for label in FLAGS.variants:
        yield row(f"{head}: time of `fit` in {label}'s callbacks", shares[label][1:], "%", "aim 2")


if __name__ == "__main__":
    measuring.main(rows, steps=20)
