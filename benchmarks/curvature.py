r"""Seconds a Hessian-vector product divided by those of a gradient of the same loss.

Both run over the same batches, held in memory, by one compiled function each, measured in turn in
one process. `--with_forward` adds forward over reverse differentiation, the other exact way.

  python benchmarks/curvature.py --networks=fc,3conv3fc,preresnet20
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
flags.DEFINE_integer("examples", 1000, "Training examples.")
flags.DEFINE_integer("batch_size", 250, "Examples a batch.")
flags.DEFINE_integer("rounds", 5, "Measurements of each.", lower_bound=3)
flags.DEFINE_bool("with_forward", False, "Measure forward over reverse too.")


def main(_):
    """Measures every network and prints a line for each."""
    import keras
    import numpy as np
    import tensorflow as tf

    import mc_tf
    from mc_tf.curves import Segment
    from mc_tf.evaluation.points import PointEvaluator
    from mc_tf.landscape.hessian import HessianProducts

    x = np.random.default_rng(0).normal(size=(FLAGS.examples, 32, 32, 3)).astype("float32")
    y = np.random.default_rng(1).integers(0, 10, FLAGS.examples)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(FLAGS.batch_size).cache()
    for name in FLAGS.networks:
        network = mc_tf.models.build(name, 10, (32, 32, 3), weight_decay=5e-4)
        model = mc_tf.CurveModel(network, Segment())
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        evaluator = PointEvaluator(model)
        products = HessianProducts(evaluator, data)
        flat, state = evaluator.network_at(0.0)
        vector = tf.random.normal(flat.shape)

        def loss(flat, batch, state=state, evaluator=evaluator):
            return evaluator.batch_loss(evaluator.layer.unpack_point(flat), state, batch)[0]

        def derivative(flat, batch, loss=loss):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(flat)
                value = loss(flat, batch)
            return tape.gradient(value, flat)

        def forward(flat, batch, vector=vector, derivative=derivative):
            with tf.autodiff.ForwardAccumulator(flat, vector) as accumulator:
                found = derivative(flat, batch)
            return accumulator.jvp(found)

        def over_batches(function, flat=flat, evaluator=evaluator):
            step = tf.function(function, autograph=False)
            return lambda: [step(flat, batch) for batch in evaluator.batches(data)][-1].numpy()

        runs = {
            "gradient": over_batches(derivative),
            "product": lambda products=products, flat=flat, state=state, vector=vector: (
                products.product(flat, state, vector)
            ),
        }
        if FLAGS.with_forward:
            runs["forward"] = over_batches(forward)
        seconds = {key: [] for key in runs}
        for turn in range(FLAGS.rounds + 1):
            for key, run in runs.items():
                begun = time.perf_counter()
                run()
                if turn:  # the first one traces
                    seconds[key].append(time.perf_counter() - begun)
        medians = {key: statistics.median(values) for key, values in seconds.items()}
        ratios = "  ".join(
            f"{key} {value:.2f} s ({value / medians['gradient']:.2f})"
            for key, value in medians.items()
        )
        print(f"{name:<14} {ratios}", flush=True)


if __name__ == "__main__":
    app.run(main)
