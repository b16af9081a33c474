"""Networks for a data set: built or read, checked, compiled, announced."""

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from mc_tf.backend.precision import precision
from mc_tf.models import CurveModel
from mc_tf.models.zoo import registry
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.training.options import TrainingOptions
from mc_tf.weights.compatibility import check_one_network

if TYPE_CHECKING:
    from mc_tf.data.dataset import Dataset

__all__ = [
    "announcement",
    "build_network",
    "check_batch_size",
    "check_fits",
    "compile_for",
    "fixed_batch_size",
    "read_network",
]

_OPTIMIZERS = {  # with the name of their momentum
    "sgd": (keras.optimizers.SGD, "momentum"),
    "adam": (keras.optimizers.Adam, "beta_1"),
}


def read_network(path, data, batch_size):
    """Reads a network, with its own weight decay, to train it on a data set.

    Args:
        path: `.keras` file.
        data: data set from `mc_tf.data.load`.
        batch_size: examples per batch.

    Returns:
        `keras.Model`, not compiled.

    Raises:
        ValueError, OSError: if the file is damaged, or its network cannot be trained on the data.
    """
    network = load_checkpoint(path, compile=False)
    check_one_network(network, os.fspath(path))
    check_fits(network, data)
    check_batch_size(network, batch_size)
    return network


def build_network(
    network: str,
    data: "Dataset",
    options: TrainingOptions,
    weight_decay: float = 0.0,
    network_options: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Builds a new network for a data set.

    Args:
        network, data, options, weight_decay, network_options: as for `train_network`.

    Returns:
        `keras.Model`.

    Raises:
        ValueError: if the network is unknown or cannot be trained on the data with the options.
    """
    of_data = data.network_options(options.batch_size)
    lacking = sorted(set(of_data) - set(registry.options(network)))
    if lacking:
        raise ValueError(
            f"The network '{network}' is not made for the data set '{data.name}': it takes no "
            f"{', '.join(lacking)}. Networks for texts are lstm_small, lstm_medium and lstm_large."
        )
    with precision(options.precision):
        model = registry.build(
            network,
            data.num_classes,
            data.input_shape,
            weight_decay=weight_decay,
            **{**of_data, **(network_options or {})},
        )
    check_batch_size(model, options.batch_size)
    return model


def check_fits(network, data):
    """Rejects a network whose input shape or classes do not match `data`.

    Args:
        network: `keras.Model`. Networks without known shapes are not checked.
        data: data set from `mc_tf.data.load`.

    Raises:
        ValueError: naming both shapes.
    """
    pairs = (
        ("examples", getattr(network, "input_shape", None), tuple(data.input_shape)),
        ("classes", (getattr(network, "output_shape", None) or ())[-1:], (data.num_classes,)),
    )
    for what, made_for, given in pairs:
        if what == "examples" and isinstance(made_for, tuple):
            made_for = made_for[1:]
        if isinstance(made_for, tuple) and made_for and not _same_shape(made_for, given):
            raise ValueError(
                f"The network '{network.name}' is made for {what} of shape {made_for}, but those "
                f"of the data set '{data.name}' are {given}. Use the data set that it was trained "
                "on."
            )


def _same_shape(made_for, given):
    """Whether shapes match; variable dimensions of the network match anything."""
    return len(made_for) == len(given) and all(
        size in (None, other) for size, other in zip(made_for, given)
    )


def check_batch_size(network, batch_size, replicas=None):
    """Rejects a batch size that does not match a stateful network, or the number of replicas.

    Args:
        network: `keras.Model`.
        batch_size: examples per batch.
        replicas: number of devices that share a batch. Default: the strategy's in scope.

    Raises:
        ValueError: naming both.
    """
    fixed = fixed_batch_size(network)
    replicas = replicas or tf.distribute.get_strategy().num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(
            f"batch_size={batch_size} does not divide by the {replicas} replicas that share a "
            f"batch. Choose a multiple of {replicas}."
        )
    if fixed is not None and replicas > 1:
        raise ValueError(
            f"The network '{network.name}' carries state for batches of {fixed}, which cannot be "
            "shared by several replicas. Train it on one device."
        )
    if fixed not in (None, batch_size):
        raise ValueError(
            f"The network '{network.name}' carries state for batches of {fixed}, but batch_size is "
            f"{batch_size}. Use --batch_size={fixed}."
        )


def fixed_batch_size(network):
    """Returns the fixed batch size of a network, or `None`.

    Args:
        network: `keras.Model`, or a `CurveModel`.

    Returns:
        int or `None`.
    """
    if isinstance(network, CurveModel):
        network = network.network
    shape = getattr(network, "input_shape", None)
    return shape[0] if isinstance(shape, tuple) and shape else None


def compile_for(
    model: keras.Model, data: "Dataset", options: TrainingOptions | None = None
) -> None:
    """Compiles a network or curve for experiments: optimizer, and the data's loss and metrics.

    Args:
        model: a Keras model that outputs logits (for a regression: values).
        data: data set from `mc_tf.data.load`.
        options: `TrainingOptions`. Default: for evaluation only.
    """
    options = options or TrainingOptions(epochs=0, learning_rate=0.0)
    kind, momentum = _OPTIMIZERS[options.optimizer]
    settings = {momentum: options.momentum, "global_clipnorm": options.clip_norm}
    model.compile(
        optimizer=kind(options.learning_rate, **settings),
        loss=data.loss(),
        metrics=data.metrics(),
        steps_per_execution=options.steps_per_execution,
        jit_compile=options.jit_compile,
    )


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
