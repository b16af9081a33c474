r"""Points a second that `evaluate_grid` gets through on a plane, beside what the machine allows.

The floor: operations of the passes over all examples, at the speed of a matrix product measured
between the seconds in which points are counted. Of a network with batch normalization the training
examples pass twice.

  python benchmarks/plane.py --networks=regression,convnet
"""

import math
import time
from unittest import mock

import machine
import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
flags.DEFINE_list("networks", ["regression", "convnet", "fc", "preresnet20"], "Networks.")
flags.DEFINE_integer("examples", 500, "Random training and test examples of fc and preresnet20.")
flags.DEFINE_float("segment", 1.0, "Seconds in which points are counted.")


class EnoughError(Exception):
    """Raised to end an evaluation."""


def counted(evaluate, between):
    """Counts the points of an evaluation in segments of `--segment` seconds.

    The first segment, with the tracing, is left out.

    Args:
        evaluate: function that evaluates more points than are counted.
        between: function called after each segment, outside of the time.

    Returns:
        Points a second of each segment, and what `between` returned after it.
    """
    from mc_tf.evaluation.point_results import PointResults

    samples, count, begun = [], 0, time.perf_counter()
    record = PointResults.record

    def recorded(*arguments):
        nonlocal count, begun
        record(*arguments)
        count += 1
        seconds = time.perf_counter() - begun
        if seconds >= FLAGS.segment:
            samples.append((count / seconds, between()))
            if len(samples) > FLAGS.rounds:
                raise EnoughError
            count, begun = 0, time.perf_counter()

    with mock.patch.object(PointResults, "record", recorded):
        try:
            evaluate()
        except EnoughError:
            pass
    return zip(*samples[1:])


def prepare(name):
    """A network, the data of its plane, and how often the training examples pass."""
    import mc_tf
    from mc_tf.batch_norm.update import has_batch_norm

    if name in ("regression", "convnet"):
        data = mc_tf.data.load("regression" if name == "regression" else "digits", use_test=True)
        train, test = (data.x_train, data.y_train), (data.x_test, data.y_test)
        options = {"units": [50, 50, 50]} if name == "regression" else {}
        kind = "fc" if name == "regression" else name
        train, test = ((x.astype("float32"), y) for x, y in (train, test))
        networks = [
            mc_tf.models.build(kind, data.num_classes, data.input_shape, **options) for _ in "abc"
        ]
        networks[0].compile(loss=data.loss(), metrics=data.metrics())
    else:
        train, test = measuring.parts(FLAGS.examples)
        networks = [mc_tf.models.build(name, 10, (32, 32, 3), weight_decay=5e-4) for _ in "abc"]
        measuring.compile_network(networks[0])
    return networks, train, test, 2 if has_batch_norm(networks[0]) else 1


def rows():
    """Yields the rows of all networks."""
    import numpy as np

    import mc_tf

    product, work = machine.references()["matrix product"]

    def speed():
        begun = time.perf_counter()
        product()
        return work / (time.perf_counter() - begun)

    for name in FLAGS.networks:
        networks, train, test, passes = prepare(name)
        examples = passes * len(train[0]) + len(test[0])
        operations = machine.operations(networks[0], examples)
        plane = mc_tf.Plane.through(*networks)
        rates, speeds = counted(
            lambda n=networks[0], plane=plane, train=train, test=test: mc_tf.evaluate_grid(
                n, plane, train, test, (1000, 1000), verbose=0
            ),
            speed,
        )
        most = measuring.text(np.median(speeds) / operations)
        weights = sum(math.prod(v.shape) for v in networks[0].trainable_variables)
        label = f"{name} ({weights:,} weights, {len(train[0]):,} + {len(test[0]):,} examples)"
        beside = f"at most {most} (matrix product)"
        yield row(f"{label}: points on a plane", rates, "a second", beside)


if __name__ == "__main__":
    measuring.main(rows, segment=0.3, examples=100)
