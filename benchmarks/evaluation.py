r"""A point of `evaluate_curve` and of `evaluate_grid` divided by bare passes over its batches.

The bare passes run the plain network with one compiled function over batches held in memory: what
cannot be saved. With batch normalization (fused) that is one pass in training mode, for the
statistics, beside the two of the evaluation; `update_batch_norm` is divided by that pass alone. A
point is measured as the two functions evaluate it, its file included.

  python benchmarks/evaluation.py --networks=fc,3conv3fc,preresnet20
"""

import tempfile

import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
flags.DEFINE_list("networks", ["fc", "3conv3fc", "preresnet20"], "Names in the registry.")
flags.DEFINE_integer("examples", 2000, "Training examples, and as many test examples.")
flags.DEFINE_integer("batch_size", 500, "Examples a batch.")


def network_rows(name):
    """Yields the rows of one network."""
    import numpy as np

    import mc_tf
    from mc_tf.backend.ops import compiled, to_device
    from mc_tf.batch_norm.update import BatchNormUpdate, has_batch_norm
    from mc_tf.evaluation.data import EvaluationData
    from mc_tf.evaluation.points import PointEvaluator
    from mc_tf.evaluation.results import CurveEvaluation
    from mc_tf.evaluation.running import evaluate_points

    train, test = measuring.parts(FLAGS.examples)
    firsts = range(0, FLAGS.examples, FLAGS.batch_size)
    batches, others = (
        [to_device(x[first : first + FLAGS.batch_size]) for first in firsts]
        for x, _ in (train, test)
    )
    networks = [mc_tf.models.build(name, 10, (32, 32, 3), weight_decay=5e-4) for _ in "abc"]
    network = measuring.compile_network(networks[0])
    curve = measuring.compile_network(mc_tf.connect(*networks[:2]))
    surface = mc_tf.Plane.through(*networks)
    normalized = has_batch_norm(network)
    forward = compiled(lambda x: network(x, training=False))
    # Functions of a network whose training only moves statistics.
    training = compiled(lambda x: network(x, training=True))

    def passes(function, batches):
        with mc_tf.fused_batch_norm(network):  # traced in the first round
            for batch in batches:
                out = function(batch)
        return np.asarray(out)

    def bare():
        passes(forward, batches + others)
        if normalized:
            passes(training, batches)

    def pointwise(model, positions):
        """A function that evaluates the next position."""
        evaluator, data = PointEvaluator(model), EvaluationData(train, test).kept()
        many = np.resize(positions, (1000, *np.shape(positions[0])))
        result, indices = CurveEvaluation(np.arange(1000)), iter(range(1000))
        path = tempfile.mkdtemp() + "/result"

        def measure(position):
            return evaluator(position, data)

        return lambda: evaluate_points(result, many, measure, path, [next(indices)], verbose=0)

    places = surface.coefficients(np.random.default_rng(2).uniform(0, 1, (30, 2)))
    runs = {
        "bare": bare,
        "evaluate_curve": pointwise(curve, np.linspace(0, 1, 30)),
        "evaluate_grid": pointwise(surface.model(), places),
    }
    if normalized:
        update = BatchNormUpdate(network)
        runs["update_batch_norm"] = lambda: update(train[0])
        runs["training pass"] = lambda: passes(training, batches)
    times = measuring.rounds(runs)
    yield row(
        f"{name}: bare passes, {FLAGS.examples:,} + {FLAGS.examples:,} images", times["bare"], "s"
    )
    for label in ("evaluate_curve", "evaluate_grid"):
        ratio = times[label] / times["bare"]
        yield row(f"{name}: a point of `{label}` / bare passes", ratio, "", "aim 1.10")
    if normalized:
        ratio = times["update_batch_norm"] / times["training pass"]
        yield row(f"{name}: `update_batch_norm` / a pass in training mode", ratio, "", "floor 1")


def rows():
    """Yields the rows of all networks."""
    for name in FLAGS.networks:
        yield from network_rows(name)


if __name__ == "__main__":
    measuring.main(rows, examples=200)
