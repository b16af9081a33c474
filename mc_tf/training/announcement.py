"""The line that a program prints at its start."""

import math

import tensorflow as tf

from mc_tf.models import CurveModel

__all__ = ["announcement"]


def announcement(network, data, path):
    """Describes the network, the data, the device and the output path in one line.

    Args:
        network: built `keras.Model`, or `CurveModel`.
        data: `mc_tf.data.Dataset`, or `None` if no data is used.
        path: file or directory; `None` if nothing is written.

    Returns:
        str.
    """
    name = network.name
    if isinstance(network, CurveModel):
        name, network = f"{network.curve} of {network.network.name}", network.network
    weights = sum(math.prod(variable.shape) for variable in network.trainable_variables)
    accelerators = tf.config.list_logical_devices("GPU") + tf.config.list_logical_devices("TPU")
    kind = accelerators[0].device_type if accelerators else "CPU"
    parts = [f"{name}: {weights:,} weights"]
    if data is not None:
        parts.append(
            f"{data.name}: {data.num_train:,} training and {data.num_test:,} {data.test_name} "
            "examples"
        )
    parts.append(f"{max(1, len(accelerators))} {kind}")
    return "; ".join(parts + ([] if path is None else [f"writes {path}"]))
