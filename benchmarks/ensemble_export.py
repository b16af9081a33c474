r"""An exported ensemble against the same members as copies inside one Keras model.

Ours is one graph with stacked weights; the other is a Keras model with a copy of the network for
each member, averaged softmax outputs and Keras' own `export`. Printed are medians and their ratios:
time to export, size on disk, time to load in a fresh process without Keras, and time of a batch.

  python benchmarks/ensemble_export.py --network=preresnet20 --members=12
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("network", "preresnet20", "Name in the registry.")
flags.DEFINE_integer("members", 12, "Members of the ensemble.", lower_bound=1)
flags.DEFINE_list("batch_sizes", ["1", "100"], "Images a batch, one measurement for each.")
flags.DEFINE_integer("rounds", 3, "Fresh processes that load, for each of the two.", lower_bound=1)
flags.DEFINE_integer("calls", 10, "Interleaved calls for each batch size.", lower_bound=3)

CHILD = """
import json, sys, time
import numpy as np
import tensorflow as tf

paths, batch_sizes, calls = json.loads(sys.argv[1])
loaded, result = [], {"load": [], "call": {}}
for path in paths:
    began = time.perf_counter()
    loaded.append(tf.saved_model.load(path))
    result["load"].append(time.perf_counter() - began)
serve = [model.signatures["serving_default"] for model in loaded]
names = [list(one.structured_input_signature[1])[0] for one in serve]
for size in batch_sizes:
    x = tf.constant(np.random.default_rng(0).normal(size=(size, 32, 32, 3)).astype("float32"))
    times = [[] for _ in serve]
    for call in range(calls + 1):
        for one, name, record in zip(serve, names, times):
            began = time.perf_counter()
            outputs = one(**{name: x})
            outputs = outputs.get("probabilities", outputs.get("output_0")).numpy()
            record.append(time.perf_counter() - began)
            result.setdefault("outputs", []).append(outputs[0].tolist())
    result["call"][size] = [record[1:] for record in times]
result["outputs"] = result.get("outputs", [])[:2]
print(json.dumps(result))
"""


def main(_):
    """Exports both, measures them in fresh processes and prints a line for each quantity."""
    import keras
    import numpy as np

    import mc_tf
    from mc_tf.ensemble import Ensemble

    def size_of(path):
        files = (os.path.join(root, f) for root, _, names in os.walk(path) for f in names)
        return sum(os.path.getsize(file) for file in files)

    def child(paths, batch_sizes=(), calls=0):
        arguments = json.dumps([paths, batch_sizes, calls])
        command = [sys.executable, "-c", CHILD, arguments]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(output.splitlines()[-1])

    def line(what, ours, copies, unit):
        print(
            f"{what}: {ours:.3g} / {copies:.3g} {unit}, ours / copies = {ours / copies:.2f}",
            flush=True,
        )

    models = [mc_tf.models.build(FLAGS.network, 10, (32, 32, 3)) for _ in range(FLAGS.members)]
    for index, model in enumerate(models):
        model.name = f"member_{index}"
    inputs = keras.Input((32, 32, 3), name="images")
    parts = [keras.layers.Softmax()(model(inputs)) for model in models]
    copies = keras.Model(inputs, keras.layers.Average()(parts) if len(parts) > 1 else parts[0])
    ensemble = Ensemble(models[0], models, output="logits")
    with tempfile.TemporaryDirectory() as directory:
        paths = [os.path.join(directory, name) for name in ("ours", "copies")]
        began = time.perf_counter()
        ensemble.export(paths[0])
        middle = time.perf_counter()
        copies.export(paths[1], verbose=False)
        line("export", middle - began, time.perf_counter() - middle, "s")
        line("size on disk", *(size_of(path) / 1e6 for path in paths), "MB")
        graphs = [os.path.getsize(os.path.join(path, "saved_model.pb")) / 1e6 for path in paths]
        line("size of the graph", *graphs, "MB")
        loads = [[child([path])["load"][0] for path in paths] for _ in range(FLAGS.rounds)]
        line("load", *(statistics.median(column) for column in zip(*loads)), "s")
        batch_sizes = [int(size) for size in FLAGS.batch_sizes]
        found = child(paths, batch_sizes, FLAGS.calls)
        for size, records in found["call"].items():
            line(f"batch of {size}", *(1000 * statistics.median(r) for r in records), "ms")
    difference = np.abs(np.subtract(*found["outputs"])).max()
    print(
        f"{FLAGS.members} x {FLAGS.network}; largest difference of probabilities "
        f"{difference:.1e}; medians of {FLAGS.rounds} loads and {FLAGS.calls} interleaved calls."
    )


if __name__ == "__main__":
    app.run(main)
