r"""Seconds a point of a grid divided by those of the bare forward passes, and memory.

The bare passes run the plain network with one compiled function over the same batches, held in
memory: what cannot be saved. Both are measured in turn, in one process, for several points at once,
without the file of results. For a network with batch normalisation the re-estimation is one more
pass over the training data, and counts as such. Then a grid of --memory_points of a small network,
and the memory of the process after each third of it.

  python benchmarks/grid.py --networks=fc,3conv3fc,preresnet20
"""

import os
import resource
import statistics
import sys
import tempfile
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
flags.DEFINE_integer("memory_points", 500, "Points whose memory is watched.", lower_bound=40)


def main(_):
    """Measures every network and prints a line for each, then the memory."""
    import keras
    import numpy as np
    import tensorflow as tf

    import mc_tf
    from mc_tf.backend import compiled
    from mc_tf.batch_norm import has_batch_norm
    from mc_tf.evaluation_data import EvaluationData
    from mc_tf.point_evaluation import PointEvaluator

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

    for name in FLAGS.networks:
        network, surface = plane(name)
        forward = compiled(lambda x, network=network: network(x))
        passes = 3 if has_batch_norm(network) else 2
        evaluator = PointEvaluator(surface.model())
        kept = EvaluationData(data, data).kept()  # as evaluate_grid does
        places = surface.coefficients(np.random.default_rng(2).uniform(0, 1, (FLAGS.points, 2)))

        def bare(forward=forward, passes=passes):
            for _ in range(FLAGS.points * passes):
                for batch in batches:
                    out = forward(batch)
            return np.asarray(out)

        def grid(evaluator=evaluator, places=places, kept=kept):
            for place in places:
                evaluator(place, kept)

        bare(), grid()
        times = [(seconds(bare), seconds(grid)) for _ in range(FLAGS.rounds)]
        ratio = statistics.median(b / a for a, b in times)
        a, b = (statistics.median(column) / FLAGS.points for column in zip(*times))
        print(f"{name}: point / bare = {ratio:.3f} ({b:.3f} s, {a:.3f} s)", flush=True)

    _, surface = plane("fc")
    few = data.take(1)
    rows = -(-FLAGS.memory_points // 20)
    with tempfile.TemporaryDirectory() as folder:
        for part in (1, 2, 3):
            options = {"path": f"{folder}/grid", "shard": (part, 3), "verbose": 0}
            mc_tf.evaluate_grid(None, surface, few, few, (rows, 20), **options)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"after {part} of 3 parts of {20 * rows} points: at most {peak:.0f} MiB")


if __name__ == "__main__":
    app.run(main)
