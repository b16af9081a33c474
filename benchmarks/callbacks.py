r"""Time of an epoch of `fit` with FGE's or SWA's callbacks divided by that of a plain one.

All variants train in turn, in one process, each round begun by another one, each in a `fit` of its
own whose first epoch, with the tracing, is not counted; printed are the medians of the ratios
within a round, and the ratio of the shortest times, which other work on the machine disturbs least.
"Plain again" shows how far a ratio is to be trusted, "batch hook" what any callback costs that
looks at each batch. FGE saves a network in each second epoch, SWA averages after each epoch, both
to disk. Where other work disturbs the machine by more than the callbacks cost, the last column is
the one to trust: the part of the time of `fit` that passed within them.

  python benchmarks/callbacks.py --network=3conv3fc --batch_size=128 --steps=60
"""

import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("network", "3conv3fc", "Name in the registry.")
flags.DEFINE_integer("batch_size", 128, "Images a batch.", lower_bound=1)
flags.DEFINE_integer("steps", 60, "Training steps in an epoch.", lower_bound=2)
flags.DEFINE_integer("steps_per_execution", 1, "Steps that run as one call.", lower_bound=1)
flags.DEFINE_integer("rounds", 7, "Measurements of each variant.", lower_bound=1)


def main(_):
    """Measures and prints a line for each variant."""
    import keras
    import numpy as np

    import mc_tf

    class Clock(keras.callbacks.Callback):
        """Seconds of the epochs after the first, with all that is done at their ends."""

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.began = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds = time.perf_counter() - getattr(self, "began", 0.0)

    class Inside:
        """Seconds within the hooks of callbacks, nested calls counted once."""

        def __init__(self, callbacks):
            self.seconds, self.depth = 0.0, 0
            for callback in callbacks:
                for name in dir(callback):
                    if name.startswith("on_"):
                        setattr(callback, name, self.timed(getattr(callback, name)))

        def timed(self, hook):
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

    rng = np.random.default_rng(0)
    size = FLAGS.steps * FLAGS.batch_size
    x = rng.normal(size=(size, 32, 32, 3)).astype("float32")
    y = rng.integers(0, 10, size)
    model = mc_tf.models.build(FLAGS.network, 10, (32, 32, 3), weight_decay=5e-4)
    model.compile(
        keras.optimizers.SGD(1e-4, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=FLAGS.steps_per_execution,
    )

    def fge(folder):
        cycle = mc_tf.CyclicLearningRate(2 * FLAGS.steps, 1e-4, 1e-5, unit="steps")
        return [cycle, mc_tf.SnapshotSaver(folder, cycle)]

    def swa(folder):
        return [mc_tf.SWA(0, batch_norm_data=False, directory=folder, end_with_average=False)]

    def hook(folder):
        del folder
        return [keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]

    def plain(folder):
        del folder
        return []

    variants = {"plain": plain, "plain again": plain, "batch hook": hook, "FGE": fge, "SWA": swa}
    times, shares = [], []
    for count in range(FLAGS.rounds):
        row, within = [0.0] * len(variants), [0.0] * len(variants)
        for turn in range(len(variants)):
            column = (turn + count) % len(variants)
            make, clock = list(variants.values())[column], Clock()
            with tempfile.TemporaryDirectory() as folder:
                ours = make(folder)
                inside = Inside(ours)
                began = time.perf_counter()
                callbacks = [*ours, clock]
                model.fit(
                    x, y, FLAGS.batch_size, epochs=3, shuffle=False, verbose=0, callbacks=callbacks
                )
                within[column] = inside.seconds / (time.perf_counter() - began)
            row[column] = clock.seconds
        times.append(row)
        shares.append(within)
    for column, label in enumerate(variants):
        ratio = statistics.median(row[column] / row[0] for row in times)
        shortest = min(row[column] for row in times)
        best = shortest / min(row[0] for row in times)
        print(
            f"{FLAGS.network}: {label} / plain = {ratio:.3f}, of the shortest {best:.3f} "
            f"({1000 * shortest / (2 * FLAGS.steps):.1f} ms a step), within the callbacks "
            f"{100 * statistics.median(within[column] for within in shares):.2f} %"
        )
    print(
        f"Medians of {FLAGS.rounds} interleaved rounds of 2 x {FLAGS.steps} steps, batch "
        f"{FLAGS.batch_size}, steps_per_execution {FLAGS.steps_per_execution}, backend "
        f"{keras.backend.backend()}."
    )


if __name__ == "__main__":
    app.run(main)
