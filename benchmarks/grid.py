r"""Seconds a point of a grid divided by those of the bare forward passes, and memory.

The bare passes run the plain network with one compiled function over the same batches, held in
memory: what cannot be saved. Both are measured in turn, in one process, for several points at once,
without the file of results. For a network with batch normalization the re-estimation is one more
pass over the training data, and counts as such; its bare passes are measured with Keras'
normalization and with the fused one, which the grid uses. First comes a grid of --memory_points of
a small network, and the memory that the process holds (not its peak) in each fifth of that.

  python benchmarks/grid.py --networks=fc,3conv3fc,preresnet20
"""

import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("networks", ["fc", "3conv3fc", "preresnet20"], "Names in the registry.")
flags.DEFINE_integer("examples", 2000, "Training examples, and as many test examples.")
flags.DEFINE_integer("batch_size", 500, "Examples a batch.")
flags.DEFINE_integer("points", 4, "Points of a grid that is timed.", lower_bound=2)
flags.DEFINE_integer("rounds", 5, "Pairs of measurements.", lower_bound=3)
flags.DEFINE_integer("memory_points", 500, "Points whose memory is watched; 0 for none.")


class Memory(threading.Thread):
    """Looks at the memory that this process holds, in MiB, until it is told to stop (Linux)."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.stopped = [], threading.Event()

    def run(self):
        """Looks ten times a second."""
        page = os.sysconf("SC_PAGE_SIZE") / 2**20
        while not self.stopped.wait(0.1):
            with open("/proc/self/statm", encoding="ascii") as file:
                self.seen.append(int(file.read().split()[1]) * page)


def main(_):
    """Measures every network and prints a line for each, then the memory."""
    import keras
    import numpy as np
    import tensorflow as tf

    import mc_tf
    from mc_tf.backend.ops import compiled
    from mc_tf.batch_norm.update import has_batch_norm
    from mc_tf.evaluation.data import EvaluationData
    from mc_tf.evaluation.points import PointEvaluator

    x = np.random.default_rng(0).normal(size=(FLAGS.examples, 32, 32, 3)).astype("float32")
    y = np.random.default_rng(1).integers(0, 10, FLAGS.examples)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(FLAGS.batch_size).cache()
    batches = [batch for batch, _ in data]

    def plane(name):
        networks = [mc_tf.models.build(name, 10, (32, 32, 3), weight_decay=5e-4) for _ in "abc"]
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        networks[0].compile(loss=loss, metrics=["accuracy"])
        return networks[0], mc_tf.Plane.through(*networks)

    def seconds(function, *arguments):
        began = time.perf_counter()
        function(*arguments)
        return time.perf_counter() - began

    if FLAGS.memory_points:
        _, surface = plane("fc")
        few, rows, memory = data.take(1), -(-FLAGS.memory_points // 20), Memory()
        with tempfile.TemporaryDirectory() as folder:
            memory.start()
            options = {"path": f"{folder}/grid", "verbose": 0}
            mc_tf.evaluate_grid(None, surface, few, few, (rows, 20), **options)
            memory.stopped.set()
        fifths = np.array_split(memory.seen, 5)
        held = ", ".join(f"{np.mean(part):.0f}" for part in fifths)
        print(f"MiB held in each fifth of {20 * rows} points: {held}", flush=True)

    for name in FLAGS.networks:
        network, surface = plane(name)
        passes = 3 if has_batch_norm(network) else 2
        kinds = ("Keras", "fused") if has_batch_norm(network) else ("",)
        forwards = {kind: compiled(lambda x, network=network: network(x)) for kind in kinds}
        evaluator = PointEvaluator(surface.model())
        kept = EvaluationData(data, data).kept()  # as evaluate_grid does
        places = surface.coefficients(np.random.default_rng(2).uniform(0, 1, (FLAGS.points, 2)))

        def bare(forward, passes=passes):
            for _ in range(FLAGS.points * passes):
                for batch in batches:
                    out = forward(batch)
            return np.asarray(out)

        def grid(evaluator=evaluator, places=places, kept=kept):
            for place in places:
                evaluator(place, kept)

        grid()
        for kind, forward in forwards.items():  # traced with the normalization that it has
            with mc_tf.fused_batch_norm(network) if kind == "fused" else contextlib.nullcontext():
                bare(forward)
        rounds = [
            (seconds(grid), *(seconds(bare, forward) for forward in forwards.values()))
            for _ in range(FLAGS.rounds)
        ]
        for index, kind in enumerate(forwards, start=1):
            ratio = statistics.median(times[0] / times[index] for times in rounds)
            a, b = (statistics.median(t[k] for t in rounds) / FLAGS.points for k in (0, index))
            label = f"{name}, {kind} normalization" if kind else name
            print(f"{label}: point / bare = {ratio:.3f} ({a:.3f} s, {b:.3f} s)", flush=True)


if __name__ == "__main__":
    app.run(main)
