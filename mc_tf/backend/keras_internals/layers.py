"""Layers within layers, their calls, their variables, and what they attach to tensors."""

import keras
from keras.src import backend

__all__ = [
    "calls_within",
    "input_structure",
    "knows_training",
    "layers_within",
    "lookup_of",
    "mask_of",
    "metrics_within",
    "once_a_call",
    "operation_of",
    "output_shape_of",
    "own_variables",
    "own_weights",
    "seed_generators",
    "set_mask",
    "track",
    "training_in_fit",
]


def layers_within(layer):
    """A layer or model and all layers in it, at any depth, each once, outer ones first.

    The public `layers` of a model are its direct ones, and other layers have no such list.
    """
    return list(layer._flatten_layers())


def seed_generators(layer):
    """The `keras.random.SeedGenerator`s of a layer or model and of all layers in it.

    Their variables are public; whose they are, which a member of an ensemble needs, is not.
    """
    return [each for part in layers_within(layer) for each in part._seed_generators]


def own_weights(layer):
    """The variables that a layer itself made as trainable, frozen ones included.

    The public `trainable_variables` have those of the layers in it, too, and lack frozen ones.
    """
    return list(layer._trainable_variables)


def own_variables(layer):
    """The variables that a layer itself made, without those of the layers in it.

    The public `variables` have those, too.
    """
    return [*own_weights(layer), *layer._non_trainable_variables]


def track(owner, variables):
    """Has `tf.train.Checkpoint` find variables that are no attributes of their owner.

    TensorFlow finds attributes only, in their names' order; the method for others is its own.

    Args:
        owner: Keras layer or model.
        variables: list of `keras.Variable`s, in an order that stays.
    """
    if keras.backend.backend() == "tensorflow":
        for index, variable in enumerate(variables):
            owner._track_trackable(variable, f"variable_{index}")


def metrics_within(layer):
    """The metrics that a layer or model and all layers in it keep, without compiled ones.

    The public `metrics` of a model have the compiled ones and lack those of models within.
    """
    parts = layers_within(layer)
    # Keras leaves out those of a model within, but not those of its layers.
    parts = [part for part in parts if part is layer or not isinstance(part, keras.Model)]
    return list({id(m): m for part in parts for m in part._metrics}.values())


def knows_training(layer):
    """Whether a layer's `call` takes `training`: a bool.

    Keras says it to no caller, but `fit` passes the argument by it.
    """
    return layer._call_has_training_arg


def training_in_fit(model):
    """The `training` with which `fit` calls a model: `None` if its `call` does not take it.

    Layers count as called by a model that says it.
    """
    return True if not isinstance(model, keras.Model) or knows_training(model) else None


def once_a_call(layer, key, make):
    """A value that all layers share which are called within one call of a model.

    Keras has a context for `training` that lasts as long as the outermost call, and lets no one
    else put a value there.

    Args:
        layer: layer whose `call` runs.
        key: name of the value.
        make: function without arguments that makes it, for the first one that asks.

    Returns:
        The value.
    """
    context = layer._get_call_context()
    value = context.get_value(key)
    if value is None:
        value = make()
        context.set_value(key, value)
    return value


def calls_within(network):
    """The calls that make a functional or sequential model.

    Keras publishes no graph: `layers` say neither which is called on what nor how often.

    Args:
        network: Keras layer or model.

    Returns:
        List of `(operation, args, kwargs, outputs)` in the order in which they run; `None` of
        anything else.
    """
    graph = _graph(network)
    if graph is None:
        return None
    return [
        (node.operation, node.arguments.args, node.arguments.kwargs, node.outputs)
        for depth in sorted(graph._nodes_by_depth, reverse=True)
        for node in graph._nodes_by_depth[depth]
    ]


def input_structure(network):
    """`(inputs, outputs)` of a functional or sequential model: nested symbolic tensors.

    The public `inputs` and `outputs` are flat lists.
    """
    graph = _graph(network)
    return graph._inputs_struct, graph._outputs_struct


def _graph(network):
    graph = getattr(network, "_functional", None) or network
    return graph if hasattr(graph, "_nodes_by_depth") else None


def operation_of(tensor):
    """The operation or layer that made a tensor of a graph.

    Keras keeps the history of a symbolic tensor to itself.

    Returns:
        `(operation, inputs, index)`: with the tensors that it was called with, and which of its
        outputs the tensor is; `(None, [], 0)` of a tensor without a history.
    """
    history = getattr(tensor, "_keras_history", None)
    if history is None:
        return None, [], 0
    node = history.operation._inbound_nodes[history.node_index]
    return history.operation, node.input_tensors, history.tensor_index


def mask_of(tensor):
    """The mask that Keras attached to a tensor, `None` for none.

    Layers get masks as arguments; losses and metrics look at the tensor, by functions of Keras
    that it does not export.
    """
    return backend.get_keras_mask(tensor)


def set_mask(tensor, mask):
    """Attaches a mask to a tensor, for losses and metrics of Keras; see `mask_of`."""
    backend.set_keras_mask(tensor, mask)


def output_shape_of(layer):
    """The `output_shape` that a `Lambda` layer was given: a shape, a function or `None`.

    `get_config` has a function serialized, which fails for lambdas.
    """
    return vars(layer).get("_output_shape")


def lookup_of(layer):
    """The layer in which a `TextVectorization` keeps its table; any other layer itself.

    What `adapt` found, such as weights of TF-IDF, is an attribute of that layer alone.
    """
    return getattr(layer, "_lookup_layer", layer)
