"""Adds L2 to every weight of an existing network, such as a `keras.applications` model."""

import keras

from mc_tf.models.zoo.blocks import l2
from mc_tf.weights.preprocessing import copy_tables, refresh


def with_weight_decay(
    model: keras.Model, weight_decay: float, momentum: float | None = None
) -> keras.Model:
    """Copies a network and adds L2 regularizers to all its layers; they are saved with the model.

    Replaces every weight regularizer that a layer has an argument for, also in nested Functional
    and Sequential models. Layers inside wrappers, such as `keras.layers.TimeDistributed`, keep
    their regularizers.

    Args:
        model: Built Functional or Sequential `keras.Model`. It is not changed.
        weight_decay: Factor `wd` of the loss term `wd / 2 * sum(w ** 2)`; 0 for none.
        momentum: Momentum of all `keras.layers.BatchNormalization`. Defaults to the layer's value.

    Returns:
        A `keras.Model` with the weights, batch normalization statistics and adapted preprocessing
        state of `model`.

    Raises:
        ValueError: If `weight_decay` is negative.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.set_weights([keras.ops.ones((4, 1))])
    >>> [float(loss) for loss in with_weight_decay(model, 0.5).losses]
    [1.0]
    """
    regularizer = keras.regularizers.serialize(l2(weight_decay))

    def clone(layer):
        config = layer.get_config()
        for key in config:
            if key.endswith("_regularizer") and key != "activity_regularizer":
                config[key] = regularizer
        if momentum is not None and isinstance(layer, keras.layers.BatchNormalization):
            config["momentum"] = momentum
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    copy_tables(model, copy)
    copy.set_weights(model.get_weights())
    refresh(copy)
    return copy
