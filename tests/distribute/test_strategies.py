"""Strategies by name, and what they refuse in one line."""

import json

import keras
import pytest
from programs import needs_tensorflow

from mc_tf.distribute import make_strategy
from mc_tf.distribute.strategies import check_tf_config

HOSTS = ["a:1", "b:1"]


def config(addresses=HOSTS, **task):
    task = {"type": "worker", "index": 0} | task
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


MALFORMED = {
    "nothing": ("", "is not set"),
    "no JSON": ("{'cluster'", "is not JSON .* line 1 column 2"),
    "no cluster": ('{"task": {"type": "worker", "index": 0}}', "has no 'cluster'"),
    "no task": ('{"cluster": {"worker": ["a:1", "b:1"]}}', "has no 'task'"),
    "no index": ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}', "no 'index'"),
    "a list": ("[1, 2]", r"has other parts than expected. Received: \[1, 2\]"),
    "a number of workers": (config(2), "has other parts than expected"),
    "one process": (config(["a:1"]), r"two or more different addresses HOST:PORT.*\['a:1'\]"),
    "an address twice": (config(["a:1", "a:1"]), "two or more different addresses"),
    "no port": (config(["a", "b"]), r"addresses HOST:PORT. Received: \['a', 'b'\]"),
    "an index beyond": (config(index=2), "names task worker 2, but its cluster has 2 of them"),
    "an index of text": (config(index="0"), "names task worker '0'"),
    "another type": (config(type="ps"), "names a task of type 'ps', which does not train"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_tf_config(name, monkeypatch):
    text, message = MALFORMED[name]
    with pytest.raises(ValueError, match=f"^TF_CONFIG .*{message}") as error:
        check_tf_config(text)
    assert "\n" not in str(error.value) and "Expected, in the first of two" in str(error.value)
    if keras.backend.backend() == "tensorflow":
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(ValueError, match="^TF_CONFIG"):
            make_strategy("multi_worker")


def test_proper_tf_config():
    check_tf_config(config())
    check_tf_config(config(["a:1"]).replace('"cluster": {', '"cluster": {"chief": ["c:1"], '))


@needs_tensorflow
@pytest.mark.parametrize(
    "kind, message",
    {
        "mirrored": "needs two devices or more. TensorFlow has 1: /device:CPU:0",
        "tpu": "^There is no TPU for the strategy 'tpu': ",
        "server": "one of none, mirrored, multi_worker, tpu. Received: 'server'",
    }.items(),
)
def test_a_strategy_without_its_devices(kind, message):
    with pytest.raises(ValueError, match=message) as error:
        make_strategy(kind)
    assert "\n" not in str(error.value)


@needs_tensorflow
def test_a_batch_that_does_not_divide():
    from mc_tf.training.networks import check_batch_size

    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    check_batch_size(network, 15)
    check_batch_size(network, 15, replicas=3)
    with pytest.raises(ValueError, match="batch_size=15 .* 2 replicas.* multiple of 2"):
        check_batch_size(network, 15, replicas=2)
    stateful = keras.Sequential([keras.Input(batch_shape=(4, 3)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="state for batches of 4, .* on one device"):
        check_batch_size(stateful, 4, replicas=2)
