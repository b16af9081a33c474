"""Nested layers, their calls, their variables, and attributes of tensors."""

import keras
from keras.src import backend

__all__ = [
    "calls_within",
    "input_structure",
    "knows_mask",
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
    "traced_calls",
    "track",
    "training_in_fit",
]


def layers_within(layer):
    """Returns a layer or model and all nested layers, each once, outer layers first.

    The public `layers` of a model are not recursive, and other layers have no such list.
    """
    return list(layer._flatten_layers())


def seed_generators(layer):
    """The `keras.random.SeedGenerator`s of a layer or model and of all layers in it.

    Their variables are public, but not their owners, which members of ensembles need.
    """
    return [each for part in layers_within(layer) for each in part._seed_generators]


def own_weights(layer):
    """Returns a layer's own variables created as trainable, including frozen ones.

    The public `trainable_variables` include nested layers and lack frozen variables.
    """
    return list(layer._trainable_variables)


def own_variables(layer):
    """Returns a layer's own variables, without variables of nested layers.

    The public `variables` include them.
    """
    return [*own_weights(layer), *layer._non_trainable_variables]


def track(owner, variables):
    """Makes `tf.train.Checkpoint` find variables that are not attributes of their owner.

    TensorFlow finds attributes only, in their names' order; the method for others is its own.

    Args:
        owner: Keras layer or model.
        variables: list of `keras.Variable`s, in an order that stays.
    """
    if keras.backend.backend() == "tensorflow":
        for index, variable in enumerate(variables):
            owner._track_trackable(variable, f"variable_{index}")


def metrics_within(layer):
    """Returns the metrics of a layer or model and its nested layers, without compiled ones.

    The public `metrics` of a model include compiled ones and lack metrics of nested models.
    """
    parts = layers_within(layer)
    # Keras omits metrics of a nested model, but not of its layers.
    parts = [part for part in parts if part is layer or not isinstance(part, keras.Model)]
    return list({id(m): m for part in parts for m in part._metrics}.values())


def knows_training(layer):
    """Whether a layer's `call` takes `training`: a bool.

    `fit` passes the argument accordingly, but this is not public.
    """
    return layer._call_has_training_arg


def knows_mask(layer):
    """Whether a layer's `call` takes `mask`: a bool.

    Keras passes the mask of the input accordingly, but this is not public.
    """
    return layer._call_has_mask_arg


def training_in_fit(model):
    """Returns the `training` argument in `fit`: `None` if `call` does not accept it.

    Layers are assumed to be called by a model that passes it.
    """
    return True if not isinstance(model, keras.Model) or knows_training(model) else None


def once_a_call(layer, key, make):
    """Returns a value shared by all layers within one call of a model.

    Keras has a context for `training` with the lifetime of the outermost call, without a public way
    to add values.

    Args:
        layer: layer whose `call` runs.
        key: name of the value.
        make: function without arguments that creates the value on first use.

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
    """Returns the calls in a functional or sequential model.

    The graph is not public: `layers` lack inputs and numbers of calls.

    Args:
        network: Keras layer or model.

    Returns:
        List of `(operation, args, kwargs, outputs)` in the order of execution; `None` for other
        networks.
    """
    graph = _graph(network)
    if graph is None:
        return None
    return [
        _call_of(node)
        for depth in sorted(graph._nodes_by_depth, reverse=True)
        for node in graph._nodes_by_depth[depth]
    ]


def traced_calls(function, args, kwargs, owner=None, values=()):
    """Calls a function on symbolic tensors and returns the operations that it consists of.

    The graph of symbolic tensors is not public, nor the traces that a call leaves on layers.

    Args:
        function: function of Keras operations, such as the `call` of a layer.
        args, kwargs: its arguments, with symbolic tensors.
        owner: layer whose nested layers the function calls; they are left as they were.
        values: `(variable, value)` pairs: values that the function sees in the place of others.

    Returns:
        `(calls, outputs)`: list as from `calls_within`, and what the function returned.
    """
    layers = [] if owner is None else layers_within(owner)
    before = [(len(part._inbound_nodes), len(part._outbound_nodes)) for part in layers]
    try:
        if owner is not None:  # which takes no loss that is a symbol
            vars(owner)["add_loss"] = lambda *args, **kwargs: None
        with keras.StatelessScope(state_mapping=list(values), collect_losses=True):
            outputs = function(*args, **kwargs)
        known = {id(tensor) for tensor in keras.tree.flatten((args, kwargs))}
        nodes, stack = {}, [(tensor, False) for tensor in keras.tree.flatten(outputs)]
        while stack:
            tensor, ready = stack.pop()
            history = getattr(tensor, "_keras_history", None)
            if id(tensor) in known or history is None or history.operation is None:
                continue
            node = history.operation._inbound_nodes[history.node_index]
            if ready:
                nodes[id(node)] = node
            elif id(node) not in nodes:
                stack += [(tensor, True), *((given, False) for given in node.input_tensors)]
        return [_call_of(node) for node in nodes.values()], outputs
    finally:
        if owner is not None:
            vars(owner).pop("add_loss")
        for part, (inbound, outbound) in zip(layers, before):
            del part._inbound_nodes[inbound:], part._outbound_nodes[outbound:]


def _call_of(node):
    return node.operation, node.arguments.args, node.arguments.kwargs, node.outputs


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
    """Returns the operation or layer that created a tensor of a graph.

    The history of a symbolic tensor is not public.

    Returns:
        `(operation, inputs, index)`: with its input tensors and the index of the output;
        `(None, [], 0)` for a tensor without history.
    """
    history = getattr(tensor, "_keras_history", None)
    if history is None:
        return None, [], 0
    node = history.operation._inbound_nodes[history.node_index]
    return history.operation, node.input_tensors, history.tensor_index


def mask_of(tensor):
    """Returns the Keras mask of a tensor, or `None`.

    Layers receive masks as arguments; losses and metrics read them from the tensor, with non-public
    functions of Keras.
    """
    return backend.get_keras_mask(tensor)


def set_mask(tensor, mask):
    """Attaches a mask to a tensor, for losses and metrics of Keras; see `mask_of`."""
    backend.set_keras_mask(tensor, mask)


def output_shape_of(layer):
    """Returns the `output_shape` of a `Lambda` layer: a shape, a function or `None`.

    `get_config` has a function serialized, which fails for lambdas.
    """
    return vars(layer).get("_output_shape")


def lookup_of(layer):
    """Returns the lookup layer of a `TextVectorization`; other layers unchanged.

    Results of `adapt`, such as TF-IDF weights, are attributes of that layer only.
    """
    return getattr(layer, "_lookup_layer", layer)
