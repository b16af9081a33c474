"""Strategies of `tf.distribute` by name, with errors that name the missing part."""

import json
import os
from typing import TYPE_CHECKING

import keras

from mc_tf.backend.keras_internals import allow_several_processes
from mc_tf.distribute.processes import remember

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["KINDS", "devices_of", "make_strategy"]

KINDS = ("none", "mirrored", "multi_worker", "tpu")


def make_strategy(kind: str) -> "tf.distribute.Strategy":
    """Makes a strategy of `tf.distribute`, and fits Keras and the library's files to it.

    Args:
        kind: `"none"`: one device. `"mirrored"`: all GPUs of this machine, or, without GPUs, its
            logical CPUs. `"multi_worker"`: the processes in the environment variable `TF_CONFIG`;
            call it before anything else of TensorFlow. `"tpu"`: all cores of a TPU.

    Returns:
        `tf.distribute.Strategy`: make, compile and train models in its `scope()`.

    Raises:
        ValueError: if the kind is unknown, its devices are missing, or `TF_CONFIG` is malformed.

    Example:
        >>> make_strategy("none").num_replicas_in_sync
        1
    """
    if kind not in KINDS:
        raise ValueError(f"A strategy is one of {', '.join(KINDS)}. Received: {kind!r}")
    if keras.backend.backend() != "tensorflow" and kind != "none":
        raise ValueError(
            f"The strategy '{kind}' needs KERAS_BACKEND=tensorflow. Received: "
            f"{keras.backend.backend()}, which has `keras.distribution`."
        )
    import tensorflow as tf

    makers = {"mirrored": _mirrored, "multi_worker": _multi_worker, "tpu": _tpu}
    return makers[kind]() if kind != "none" else tf.distribute.get_strategy()


def devices_of(model):
    """Devices of this process on which the replicas of a model run.

    Args:
        model: Keras model.

    Returns:
        Tuple of names of TensorFlow's devices, CPUs or GPUs; empty for fewer than two.
    """
    strategy = getattr(model, "distribute_strategy", None)  # with the TensorFlow backend
    if strategy is None or strategy.num_replicas_in_sync == 1:
        return ()
    devices = strategy.extended.worker_devices
    return () if len(devices) == 1 or any("TPU" in device for device in devices) else devices


def _mirrored():
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise ValueError(
            f"A mirrored strategy needs two devices or more. TensorFlow has {len(devices)}: "
            f"{devices[0].name}. Train without a strategy, or make logical devices "
            "(`tf.config.set_logical_device_configuration`)."
        )
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _multi_worker():
    import tensorflow as tf

    check_tf_config(os.environ.get("TF_CONFIG", ""))
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ValueError(
            f"Make the multi_worker strategy before anything else of TensorFlow ({error})."
        ) from error
    remember(strategy)
    allow_several_processes()
    return strategy


def _tpu():
    import tensorflow as tf

    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, tf.errors.OpError) as error:
        raise ValueError(
            f"There is no TPU for the strategy 'tpu': {str(error).splitlines()[0]}"
        ) from error


def check_tf_config(text):
    """Rejects a `TF_CONFIG` that does not describe two processes or more, and this one of them.

    Args:
        text: content of the environment variable.

    Raises:
        ValueError: naming the problem and an example.
    """
    problem = _problem_of(text)
    if problem:
        raise ValueError(
            f"TF_CONFIG {problem}. Expected, in the first of two processes: "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}'
        )


def _problem_of(text):
    if not text:
        return "is not set"
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        kind, index = task["type"], task["index"]
        jobs = {job: [str(address) for address in addresses] for job, addresses in cluster.items()}
    except json.JSONDecodeError as error:
        return f"is not JSON ({error})"
    except KeyError as error:
        return f"has no {error}"
    except (TypeError, AttributeError):
        return f"has other parts than expected. Received: {text[:200]}"
    addresses = [*jobs.get("chief", ()), *jobs.get("worker", ())]
    wrong = [address for address in addresses if not address.rpartition(":")[2].isdigit()]
    if kind not in ("chief", "worker"):
        return f"names a task of type {kind!r}, which does not train"
    if not isinstance(index, int) or not 0 <= index < len(jobs.get(kind, ())):
        return f"names task {kind} {index!r}, but its cluster has {len(jobs.get(kind, ()))} of them"
    if wrong or len(set(addresses)) < max(len(addresses), 2):
        return f"needs two or more different addresses HOST:PORT. Received: {addresses}"
    return None
