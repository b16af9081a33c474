r"""Step ratios and a row of Table 2 on one accelerator, with the JAX backend and only arrays.

Needs only one `.npz` file with `x_train`, `y_train`, `x_test` and `y_test` (CIFAR-10: uint8 images,
integer labels), and no TensorFlow. Images are cropped and flipped on the device. `--epochs=0`
measures only the steps. `--workdir` keeps networks and curves: the same command resumes with the
next one.

  python benchmarks/gpu.py --data=cifar10.npz --networks=vgg16,preresnet164 \
      --precisions=float32,mixed_bfloat16
  python benchmarks/gpu.py --data=cifar10.npz --networks=vgg16 --epochs=200 --curve_epochs=600
"""

import functools
import os
import statistics
import sys
import time

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("data", None, "File of the images.", required=True)
flags.DEFINE_list("networks", ["vgg16", "preresnet164", "wrn28x10"], "Names in the registry.")
flags.DEFINE_list("precisions", ["float32"], "float32, mixed_bfloat16.")
flags.DEFINE_string("workdir", "runs/gpu", "Directory of networks and curves.")
flags.DEFINE_integer("epochs", 0, "Epochs of each endpoint.", lower_bound=0)
flags.DEFINE_integer("curve_epochs", 0, "Epochs of each curve. Default: --epochs.")
flags.DEFINE_float("learning_rate", 0.05, "Rate of the endpoints.")
flags.DEFINE_float("curve_learning_rate", 0.015, "Rate of the curves.")
flags.DEFINE_float("weight_decay", 5e-4, "L2 on all weights.", lower_bound=0.0)
flags.DEFINE_integer("batch_size", 128, "Images per batch.", lower_bound=1)
flags.DEFINE_integer("steps", 50, "Training steps in one measurement.", lower_bound=1)
flags.DEFINE_integer("rounds", 5, "Measurements of each.", lower_bound=1)
flags.DEFINE_integer("num_points", 121, "Positions on each curve.", lower_bound=2)
flags.DEFINE_integer("num_train", None, "Training images used. Default: all.", lower_bound=1)


def main(_):
    """Measures each network in each precision, and trains it if `--epochs` is not 0."""
    import jax
    import keras
    import numpy as np

    with np.load(FLAGS.data) as stored:
        data = {name: stored[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    train = tuple(data[f"{name}_train"][: FLAGS.num_train] for name in "xy")
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}, Keras {keras.__version__}")
    print("| network | precision | curve / plain | plain step | images a second, curve |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    for name in FLAGS.networks:
        for precision in FLAGS.precisions:
            keras.config.set_dtype_policy(precision)
            measure(name, precision, train)
            if FLAGS.epochs:
                row_of_table_2(name, precision, train, (data["x_test"], data["y_test"]))


def built(name, seed, num_classes):
    """A network that takes uint8 images and crops, flips and normalizes them itself."""
    import keras
    from keras import ops

    import mc_tf

    @keras.saving.register_keras_serializable("mc_tf_benchmarks")
    class Augment(keras.layers.Layer):
        """Normalizes images; in training, also pads them by 4 pixels, crops and flips them."""

        def __init__(self, **options):
            super().__init__(**options)
            self.generator = keras.random.SeedGenerator(seed)

        def call(self, x, training=False):
            """Returns uint8 images `(batch, height, width, 3)` as floats around 0."""
            if training:
                count, (height, width) = ops.shape(x)[0], x.shape[1:3]
                shift = keras.random.randint((count, 3), 0, 9, seed=self.generator)
                rows = shift[:, :1] + ops.arange(height)
                columns = ops.arange(width)
                flipped = ops.where(shift[:, 2:] % 2 > 0, columns, columns[::-1])
                x = ops.pad(x, [[0, 0], [4, 4], [4, 4], [0, 0]])
                x = ops.take_along_axis(x, rows[:, :, None, None], axis=1)
                x = ops.take_along_axis(x, (shift[:, 1:2] + flipped)[:, None, :, None], axis=2)
            return ops.cast(x, self.compute_dtype) / 64 - 2

    keras.utils.set_random_seed(seed)
    shape = (32, 32, 3)
    network = mc_tf.models.build(name, num_classes, shape, weight_decay=FLAGS.weight_decay)
    return keras.Sequential([keras.Input(shape, dtype="uint8"), Augment(), network])


def compiled(model, rate):
    """Compiles the model for `fit` and returns it."""
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss, metrics=["accuracy"])
    return model


def measure(name, precision, train):
    """Prints the median ratio over interleaved rounds, and the times."""
    import mc_tf

    classes = int(train[1].max()) + 1
    first, second = (built(name, seed, classes) for seed in (1, 2))
    models = [compiled(first, 1e-4), compiled(mc_tf.connect(first, second), 1e-4)]
    few = [part[: FLAGS.steps * FLAGS.batch_size] for part in train]

    def seconds(model):
        began = time.perf_counter()
        model.fit(*few, batch_size=FLAGS.batch_size, verbose=0)
        return (time.perf_counter() - began) / -(-len(few[0]) // FLAGS.batch_size)

    for model in models:
        seconds(model)  # compiles
    times = [[seconds(model) for model in models] for _ in range(FLAGS.rounds)]
    ratio = statistics.median(curve / plain for plain, curve in times)
    plain, curve = (statistics.median(column) for column in zip(*times))
    print(
        f"| {name} | {precision} | {ratio:.3f} | {1000 * plain:.1f} ms | "
        f"{FLAGS.batch_size / curve:,.0f} |",
        flush=True,
    )


def row_of_table_2(name, precision, train, test):
    """Trains two endpoints and two curves, and prints a table for the segment and each curve."""
    import keras

    import mc_tf
    from mc_tf.schedules import piecewise_linear

    def trained(label, make, epochs, rate):
        path = os.path.join(FLAGS.workdir, f"{name}-{precision}", f"{label}.keras")
        model = make()
        if os.path.exists(path):
            return keras.saving.load_model(path)
        falling = keras.callbacks.LearningRateScheduler(
            lambda epoch: piecewise_linear(epoch, epochs, rate)
        )
        began = time.perf_counter()
        options = {"batch_size": FLAGS.batch_size, "epochs": epochs, "verbose": 2}
        compiled(model, rate).fit(*train, callbacks=[falling], **options)
        print(f"{label}: {time.perf_counter() - began:.0f} s", flush=True)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        model.save(path)
        return model

    classes = int(train[1].max()) + 1
    ends = [
        trained(label, functools.partial(built, name, seed, classes), FLAGS.epochs, rate)
        for label, seed, rate in (("a", 1, FLAGS.learning_rate), ("b", 2, FLAGS.learning_rate))
    ]
    # Batch normalization statistics come from images that are cropped and flipped as in training.
    seen = _augmented(train[0][:10_000])
    for curve in (mc_tf.Segment(), mc_tf.Bezier(1), mc_tf.PolyChain(1)):
        label, epochs = type(curve).__name__.lower(), FLAGS.curve_epochs or FLAGS.epochs
        if curve.num_bends:
            make = functools.partial(mc_tf.connect, *ends, curve)
            model = trained(label, make, epochs, FLAGS.curve_learning_rate)
        else:
            model = compiled(mc_tf.connect(*ends, curve), 0.0)
        result = mc_tf.evaluate_curve(
            model, train, test, num_points=FLAGS.num_points, batch_norm_data=seen, verbose=0
        )
        print(f"\n{name}, {precision}, {label}\n{result.table()}", flush=True)


def _augmented(images):
    """Pads images by 4 pixels, crops and flips them, once, on the host."""
    import numpy as np

    rng = np.random.default_rng(0)
    padded = np.pad(images, [(0, 0), (4, 4), (4, 4), (0, 0)])
    cropped = np.empty_like(images)
    for index, (top, left, flip) in enumerate(rng.integers(0, 9, (len(images), 3))):
        image = padded[index, top : top + 32, left : left + 32]
        cropped[index] = image[:, ::-1] if flip % 2 else image
    return cropped


if __name__ == "__main__":
    app.run(main)
