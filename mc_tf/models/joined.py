"""Networks of curve layers as one curve."""

import keras
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import evaluation_settings, layers_within
from mc_tf.layers.curve_layer import CurveLayer
from mc_tf.models.curve_model import CurveModel
from mc_tf.weights.flat import flat_weights, state_variables

__all__ = ["join_curve_layers"]


def join_curve_layers(network):
    """Converts a network of curve layers to a `CurveModel`, with copies of all values.

    Ordinary layers keep the same weights at all points of the curve.

    Args:
        network: a functional or sequential Keras model with `CurveDense`, `CurveConv2D` and other
            curve layers of one curve.

    Returns:
        `CurveModel`, compiled like the network, with its batch normalization statistics.

    Raises:
        ValueError: if it has no curve layers, or several curves, or Keras cannot copy it.
    """
    layers = [part for part in layers_within(network) if isinstance(part, CurveLayer)]
    curves = {repr(part.curve): part.curve for part in layers}
    if len(curves) != 1:
        raise ValueError(
            "`curve_model` must be a `CurveModel`, as `connect` returns it, or a network of curve "
            f"layers that share one curve. Received: {type(network).__name__} with "
            f"{', '.join(curves) or 'no curve layer'}."
        )
    pairs = []

    def plain(layer):
        given = layer.layer if isinstance(layer, CurveLayer) else layer
        pairs.append((layer, type(given).from_config(given.get_config())))
        return pairs[-1][1]

    try:
        code = keras.models.clone_model(network, clone_function=plain, recursive=True)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"'{network.name}' cannot be joined into one curve ({error}). Write it as a functional "
            "or sequential model, or `connect` two ordinary networks."
        ) from error
    ((curve,), layer) = curves.values(), layers[0]
    joined = CurveModel(code, curve, fixed=layer.fixed)
    for index in range(curve.num_points):
        for part, copy in pairs:
            if isinstance(part, CurveLayer):
                values = part.layout.unpack(backend.read(part.points[index]))
            else:
                values = part.trainable_variables
            for variable, value in zip(copy.trainable_variables, values):
                variable.assign(ops.convert_to_numpy(value))
        joined.curve_layer.set_point(index, flat_weights(code))
    for part, copy in pairs:
        given = part.state if isinstance(part, CurveLayer) else state_variables(part)
        for variable, value in zip(state_variables(copy), given):
            joined.curve_layer.state_copy(variable).assign(ops.convert_to_numpy(value))
    if getattr(network, "compiled", False):
        joined.compile(optimizer=None, **evaluation_settings(network))
    return joined
