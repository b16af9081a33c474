r"""A product with the Hessian divided by a gradient, and the products that eigenvalues need.

Both run over the same batches, held in memory, by one compiled function each. The eigenvalues
belong to a network that was trained for a few epochs on the digits.
`--with_forward` adds forward over reverse differentiation, the other exact way.

  python benchmarks/curvature.py --networks=fc,3conv3fc,preresnet20
"""

import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
flags.DEFINE_list("networks", ["fc", "3conv3fc", "preresnet20"], "Names in the registry.")
flags.DEFINE_list("trained", ["fc", "convnet"], "Networks of the digits, for the eigenvalues.")
flags.DEFINE_integer("epochs", 5, "Epochs of these.")
flags.DEFINE_integer("examples", 1000, "Training examples.")
flags.DEFINE_integer("batch_size", 250, "Examples a batch.")
flags.DEFINE_bool("with_forward", False, "Measure forward over reverse too.")


def network_rows(name):
    """Yields the rows of one network."""
    import tensorflow as tf

    import mc_tf
    from mc_tf.backend.batches import KeptBatches
    from mc_tf.evaluation.points import PointEvaluator
    from mc_tf.landscape.hessian import HessianProducts

    data = KeptBatches(measuring.images(FLAGS.examples), FLAGS.batch_size)
    network = mc_tf.models.build(name, 10, (32, 32, 3), weight_decay=5e-4)
    model = measuring.compile_network(mc_tf.CurveModel(network, mc_tf.Segment()))
    evaluator = PointEvaluator(model)
    products = HessianProducts(evaluator, data)
    flat, state = evaluator.network_at(0.0)
    vector = tf.random.normal(flat.shape)

    def loss(flat, batch):
        return evaluator.batch_loss(evaluator.layer.unpack_point(flat), state, batch)[0]

    def derivative(flat, batch):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(flat)
            value = loss(flat, batch)
        return tape.gradient(value, flat)

    def forward(flat, batch):
        with tf.autodiff.ForwardAccumulator(flat, vector) as accumulator:
            gradient = derivative(flat, batch)
        return accumulator.jvp(gradient)

    def over_batches(function):
        step = tf.function(function, autograph=False)
        return lambda: [step(flat, batch) for batch in evaluator.batches(data)][-1].numpy()

    runs = {
        "gradient": over_batches(derivative),
        "Hessian product": lambda: products.product(flat, state, vector),
    }
    if FLAGS.with_forward:
        runs["forward over reverse"] = over_batches(forward)
    times = measuring.rounds(runs)
    for label in list(runs)[1:]:
        yield row(
            f"{name}: {label} / gradient", times[label] / times["gradient"], "", "floor about 2"
        )


def eigenvalue_row(name):
    """A row with the products until both eigenvalues are known to 1 %."""
    import keras

    import mc_tf

    keras.utils.set_random_seed(1)
    data = mc_tf.data.load("digits", use_test=True)
    train = data.x_train.astype("float32") / 16, data.y_train
    network = mc_tf.models.build(name, 10, data.input_shape, weight_decay=5e-4)
    measuring.compile_network(network).optimizer.learning_rate = 0.05
    network.fit(*train, 64, epochs=FLAGS.epochs, verbose=0)
    mc_tf.update_batch_norm(network, train)
    spectrum = mc_tf.hessian_eigenvalues(network, train, tolerance=0.01, verbose=0)
    label = f"{name} after {FLAGS.epochs} epochs of digits: Hessian products for 1 %"
    return row(label, [spectrum.products])


def rows():
    """Yields the rows of all networks."""
    for name in FLAGS.networks:
        yield from network_rows(name)
    yield from map(eigenvalue_row, FLAGS.trained)


if __name__ == "__main__":
    measuring.main(rows, networks=["fc"], trained=["fc"], epochs=1)
