r"""Seconds a point of `evaluate_curve` divided by those of the bare forward passes.

The bare passes run the plain network with one compiled function over the same batches, held in
memory: what cannot be saved. Measured in turn, in one process. For a network with batch
normalization the re-estimation is one more pass over the training data, and counts as such.

  python benchmarks/evaluation.py --networks=fc,3conv3fc,preresnet20
"""

import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("networks", ["fc", "3conv3fc", "preresnet20"], "Names in the registry.")
flags.DEFINE_integer("examples", 4000, "Training examples, and as many test examples.")
flags.DEFINE_integer("batch_size", 500, "Examples a batch.")
flags.DEFINE_integer("rounds", 7, "Pairs of measurements.", lower_bound=3)


def main(_):
    """Measures every network and prints a line for each."""
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
    for name in FLAGS.networks:
        start, end = (
            mc_tf.models.build(name, 10, (32, 32, 3), weight_decay=5e-4) for _ in range(2)
        )
        curve = mc_tf.connect(start, end)
        curve.compile(
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        evaluator, forward = PointEvaluator(curve), compiled(lambda x, net=start: net(x))
        passes = 3 if has_batch_norm(curve) else 2

        def bare(forward=forward, passes=passes):
            for _ in range(passes):
                for batch in batches:
                    out = forward(batch)
            return np.asarray(out)

        def point(t, evaluator=evaluator):
            return evaluator(t, EvaluationData(data, data))

        def seconds(function, *arguments):
            began = time.perf_counter()
            function(*arguments)
            return time.perf_counter() - began

        bare(), point(0.5)
        times = [(seconds(bare), seconds(point, i / 100)) for i in range(FLAGS.rounds)]
        ratio = statistics.median(b / a for a, b in times)
        a, b = (statistics.median(column) for column in zip(*times))
        print(f"{name}: point / bare = {ratio:.3f} ({b:.2f} s, {a:.2f} s)", flush=True)


if __name__ == "__main__":
    app.run(main)
