r"""An exported ensemble: export, size, and in fresh processes without Keras load, memory, latency.

The floor of latency is one exported network, called once for each member, in turn with it.
`--with_copies` measures a Keras model of copies of the network beside it, exported by Keras.

  python benchmarks/ensemble_export.py --members=12 --with_copies
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
import time

import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
flags.DEFINE_string("network", "preresnet20", "Name in the registry.")
flags.DEFINE_list("members", ["2", "12", "50"], "Numbers of members.")
flags.DEFINE_list("batch_sizes", ["1", "100"], "Images a batch, one measurement for each.")
flags.DEFINE_integer("processes", 3, "Fresh processes that load.", lower_bound=1)
flags.DEFINE_integer("calls", 5, "Interleaved calls for each batch size.", lower_bound=1)
flags.DEFINE_bool("with_copies", False, "Measure a Keras model of copies as well.")

CHILD = """
import json, os, sys, time
import tensorflow as tf

single, path, batch_sizes, calls = json.loads(sys.argv[1])
page = os.sysconf("SC_PAGE_SIZE") / 1e6
held = lambda: int(open("/proc/self/statm").read().split()[1]) * page  # Linux
before, began = held(), time.perf_counter()
loaded = [tf.saved_model.load(path)]
result = {"load": time.perf_counter() - began, "memory": held() - before}
loaded += [tf.saved_model.load(single)]
serve = [model.signatures["serving_default"] for model in loaded]
names = [list(one.structured_input_signature[1])[0] for one in serve]
for size in batch_sizes:
    x = tf.random.normal((size, 32, 32, 3))
    times = result[str(size)] = [[], []]
    for call in range(calls + 1):
        for one, name, record in zip(serve, names, times):
            began = time.perf_counter()
            list(one(**{name: x}).values())[0].numpy()
            record.append(time.perf_counter() - began)
print(json.dumps(result))
"""


def copied(build, count):
    """A Keras model that averages the probabilities of copies."""
    import keras

    models = [build() for _ in range(count)]
    for index, model in enumerate(models):
        model.name = f"member_{index}"
    inputs = keras.Input((32, 32, 3), name="images")
    parts = [keras.layers.Softmax()(model(inputs)) for model in models]
    return keras.Model(inputs, keras.layers.Average()(parts))


def loaded(single, path):
    """Results of a fresh process that loads an exported model."""
    arguments = json.dumps([single, path, list(map(int, FLAGS.batch_sizes)), FLAGS.calls])
    command = [sys.executable, "-c", CHILD, arguments]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def model_rows(label, count, path, single, weights):
    """Yields the rows of an exported model."""
    files = (os.path.join(root, file) for root, _, names in os.walk(path) for file in names)
    size = sum(map(os.path.getsize, files)) / 1e6
    results = [loaded(single, path) for _ in range(FLAGS.processes)]
    floor = f"{count} x {4 * weights / 1e6:.2f} MB of weights"
    yield row(f"{label}: size on disk", [size], "MB", floor)
    yield row(f"{label}: load", [result["load"] for result in results], "s")
    yield row(f"{label}: memory held", [result["memory"] for result in results], "MB", floor)
    for size in FLAGS.batch_sizes:
        calls = [pair for result in results for pair in list(zip(*result[size]))[1:]]
        yield row(f"{label}: batch of {size}", [1000 * ours for ours, _ in calls], "ms")
        ratios = [ours / (count * one) for ours, one in calls]
        yield row(f"{label}: batch of {size} / {count} calls of a network", ratios, "", "floor 1")


def rows():
    """Yields the rows of all numbers of members."""
    import numpy as np

    import mc_tf
    from mc_tf.ensemble import Ensemble
    from mc_tf.weights.flat import flat_weights

    def build():
        return mc_tf.models.build(FLAGS.network, 10, (32, 32, 3))

    network = build()
    flat, weights = flat_weights(network), network.count_params()

    def stacked(count):
        return Ensemble(network, np.tile(flat, (count, 1)), output="logits")

    kinds = {"": stacked}
    if FLAGS.with_copies:
        kinds[", copies in a Keras model"] = functools.partial(copied, build)
    with tempfile.TemporaryDirectory() as folder:
        single = os.path.join(folder, "single")
        stacked(1).export(single)
        for count in map(int, FLAGS.members):
            for kind, make in kinds.items():
                label, path = f"{count} x {FLAGS.network}{kind}", tempfile.mkdtemp(dir=folder)
                model, began = make(count), time.perf_counter()
                model.export(path, **({"verbose": False} if kind else {}))
                yield row(f"{label}: export", [time.perf_counter() - began], "s")
                yield from model_rows(label, count, path, single, weights)


if __name__ == "__main__":
    measuring.main(rows, members=["2"], processes=1, calls=1)
