r"""What of each network can be permuted, and how long it takes to match a permuted copy.

A line for each network: groups of units, units, share of the trainable weights along them, seconds
of finding the groups, seconds of matching a copy with its units in a random order, the distance to
the copy before and after, and the largest difference of outputs, relative to the largest output,
between the network and the copy.

  python benchmarks/alignment.py --networks=preresnet20,vgg16,ResNet50,MobileNetV2
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("networks", ["preresnet20"], "Names in the registry or in keras.applications.")
flags.DEFINE_integer("size", 32, "Height and width of the images.", lower_bound=32)
flags.DEFINE_integer("seed", 0, "Seed of the weights and of the order.", lower_bound=0)


def network(name, size):
    """A network with random statistics, so that each unit differs in all weights."""
    import keras
    import numpy as np

    from mc_tf.models import build

    maker = getattr(keras.applications, name, None)
    if not callable(maker):  # some of its modules have names of the registry
        model = build(name, 10, (size, size, 3))
    else:
        model = maker(
            input_shape=(size, size, 3), weights=None, classes=10, classifier_activation=None
        )
    rng = np.random.default_rng(FLAGS.seed)
    for variable in model.variables:
        if len(variable.shape) == 1 and keras.backend.is_float_dtype(variable.dtype):
            low, high = (0.8, 1.2) if variable.path.endswith(("variance", "gamma")) else (-0.1, 0.1)
            variable.assign(rng.uniform(low, high, variable.shape).astype("float32"))
    return model


def main(_):
    """Measures and prints a line for each network."""
    import keras
    import numpy as np

    from mc_tf.alignment.networks import Networks
    from mc_tf.alignment.permutation import random_orders

    columns = ("network", "groups", "units", "share %", "find s", "match s", "before", "after")
    print("".join(f"{column:>12}" for column in (*columns, "outputs")))
    for name in FLAGS.networks:
        keras.utils.set_random_seed(FLAGS.seed)
        model = network(name, FLAGS.size)
        started = time.perf_counter()
        pair = Networks([model, model], ("first", "second"))
        tracing = time.perf_counter() - started
        orders = random_orders(pair.groups, FLAGS.seed)
        copy = pair.alignment(1, orders, pair.values[0])
        images = np.random.default_rng(0).normal(size=(4, *model.input_shape[1:]))
        one, two = (keras.ops.convert_to_numpy(m(images)) for m in (model, copy.model))
        pair.values[1] = pair.reordered(1, orders)
        started = time.perf_counter()
        orders = pair.match(0, 1, None, "weights", FLAGS.seed)
        matched = time.perf_counter() - started
        back = pair.alignment(1, orders, pair.values[0])
        units = sum(int(np.size(group.order)) for group in back.groups)
        row = [f"{name:>12.12}", f"{len(back.groups):>12}", f"{units:>12}"]
        row += [f"{100 * back.share:>12.2f}", f"{tracing:>12.2f}", f"{matched:>12.2f}"]
        row += [f"{each:>12.4g}" for each in (back.distance_before, back.distance_after)]
        print("".join(row) + f"{np.abs(one - two).max() / np.abs(one).max():>12.1e}", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    app.run(main)
