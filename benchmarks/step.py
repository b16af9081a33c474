r"""Time of a curve's training step divided by that of a plain step.

"Plain" is Keras' own step; with batch normalization that of `fused_batch_norm` stands beside it,
and with `--with_bfloat16` the curve under `automatic_bfloat16`.
All train on the same random batch, in turn (plain, curve, plain, curve, ...), in one process;
printed are the medians of the ratios within a round, and of the times. The paper's A.1 asks for
less than 1.5.

  python benchmarks/step.py --networks=3conv3fc,preresnet20 --batch_size=128
"""

import contextlib
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("networks", ["3conv3fc", "preresnet20"], "Names in the registry.")
flags.DEFINE_integer("batch_size", 128, "Images a batch; of text: 20 streams.", lower_bound=1)
flags.DEFINE_integer("rounds", 15, "Pairs of measurements.", lower_bound=7)
flags.DEFINE_integer("steps", 4, "Training steps in one measurement.", lower_bound=1)
flags.DEFINE_bool("with_xla", False, "Measure the curve compiled with XLA as well.")
flags.DEFINE_bool("with_bfloat16", False, "Measure the curve in bfloat16 (on a CPU) as well.")
flags.DEFINE_float("weight_decay", 5e-4, "L2 on all weights.", lower_bound=0.0)


def main(_):
    """Measures every network and prints a line for each."""
    import keras
    import numpy as np

    import mc_tf
    from mc_tf.backend.precision import automatic_bfloat16
    from mc_tf.batch_norm.update import has_batch_norm

    rng = np.random.default_rng(0)

    def examples(name):
        """Number of classes, shape of an example and one batch: of words for an LSTM."""
        if name.startswith("lstm"):
            return 10_000, (20,), *(rng.integers(0, 10_000, (20, 20), "int32") for _ in range(2))
        x = rng.normal(size=(FLAGS.batch_size, 32, 32, 3)).astype("float32")
        return 10, (32, 32, 3), x, rng.integers(0, 10, FLAGS.batch_size)

    def prepare(model, jit_compile="auto"):
        model.compile(
            optimizer=keras.optimizers.SGD(1e-4, momentum=0.9),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile=jit_compile,
        )
        return model

    def seconds(label, model, x, y):
        with automatic_bfloat16() if "bfloat16" in label else contextlib.nullcontext():
            began = time.perf_counter()
            for _ in range(FLAGS.steps):
                model.train_on_batch(x, y)
            return (time.perf_counter() - began) / FLAGS.steps

    for name in FLAGS.networks:
        num_classes, shape, x, y = examples(name)
        plain, fused, start, end = (
            mc_tf.models.build(name, num_classes, shape, weight_decay=FLAGS.weight_decay)
            for _ in range(4)
        )
        models = {
            "plain": prepare(plain),
            "curve": prepare(mc_tf.connect(start, end, mc_tf.Bezier(1))),
        }
        if FLAGS.with_xla:
            models["curve with XLA"] = prepare(mc_tf.connect(start, end), jit_compile=True)
        if FLAGS.with_bfloat16:
            models["curve in bfloat16"] = prepare(mc_tf.connect(start, end))
        if has_batch_norm(plain):
            models["fused"] = prepare(fused)
        with mc_tf.fused_batch_norm(fused):
            for label, model in models.items():
                seconds(label, model, x, y)
        times = [
            [seconds(label, model, x, y) for label, model in models.items()]
            for _ in range(FLAGS.rounds)
        ]
        for column, label in enumerate(models):
            ratio = statistics.median(row[column] / row[0] for row in times)
            milliseconds = 1000 * statistics.median(row[column] for row in times)
            print(
                f"{name}: {label} / plain = {ratio:.3f} ({milliseconds:.1f} ms a step)", flush=True
            )
    print(
        f"Medians of {FLAGS.rounds} interleaved rounds of {FLAGS.steps} steps; backend "
        f"{keras.backend.backend()}, batch {FLAGS.batch_size}, weight decay {FLAGS.weight_decay}."
    )


if __name__ == "__main__":
    app.run(main)
