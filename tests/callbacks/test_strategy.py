"""Two devices under `MirroredStrategy`, in a separate process, as users of several GPUs do."""

import os

import keras
import programs
import pytest

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow's strategies"
)

SCRIPT = """
import sys
import keras, numpy as np, tensorflow as tf
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], 2 * [tf.config.LogicalDeviceConfiguration()])
import mc_tf
from mc_tf.storage.snapshots import read_snapshot

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 4)).astype("float32")
data = tf.data.Dataset.from_tensor_slices((x, (x[:, 0] > 0).astype("int32"))).batch(16)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)]
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, metrics=["accuracy"])
    return model


def trained(model, folder):
    cycle = mc_tf.CyclicLearningRate(2, max_learning_rate=0.1, min_learning_rate=0.01)
    saver = mc_tf.SnapshotSaver(folder, cycle)
    swa = mc_tf.SWA(start_epoch=2, batch_norm_data=False, end_with_average=False)
    model.fit(data, epochs=6, verbose=0, callbacks=[cycle, saver, swa])
    return [read_snapshot(path) for path in saver.members], swa.average


strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    both = network()
one = network()
members, average = trained(both, sys.argv[1] + "/both")
expected, expected_average = trained(one, sys.argv[1] + "/one")
assert [m.record["step"] for m in members] == [m.record["step"] for m in expected] == [4, 12, 20]
for found, wanted in zip(members, expected):
    assert found.record["learning_rate"] == wanted.record["learning_rate"]
    np.testing.assert_allclose(found.weights, wanted.weights, rtol=1e-4, atol=1e-5)
assert average.count == expected_average.count
np.testing.assert_allclose(average.mean, expected_average.mean, rtol=1e-4, atol=1e-5)

with strategy.scope():
    curve = mc_tf.connect(both, one)
    curve.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
before = np.array(curve.control_points())
curve.fit(data, epochs=2, verbose=0)
after = np.array(curve.control_points())
np.testing.assert_array_equal(before[[0, 2]], after[[0, 2]])
assert np.abs(before[1] - after[1]).max() > 1e-3
result = mc_tf.evaluate_curve(curve, data, data, num_points=3, verbose=0)
both.set_weights(curve.point(0.5).get_weights())
wanted = both.evaluate(data, verbose=0, return_dict=True)
np.testing.assert_allclose(result["test_loss"][1], wanted["loss"], rtol=1e-5)
"""


def test_cycles_averages_and_curves_on_two_devices(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    program = os.path.relpath(script.with_suffix(""), programs.REPO / "bin")
    done = programs.start(program, str(tmp_path)).wait()
    assert done.code == 0, done.err[-3000:]
