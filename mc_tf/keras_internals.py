"""What is private in Keras and needed here: each access is a function with a name."""

__all__ = [
    "calls_within",
    "compile_arguments",
    "input_structure",
    "knows_training",
    "layers_within",
    "own_variables",
]


def layers_within(layer):
    """A layer or model and all layers in it, at any depth, each once, outer ones first."""
    return list(layer._flatten_layers())


def own_variables(layer):
    """The variables that a layer itself made, without those of the layers in it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def knows_training(layer):
    """Whether a layer's `call` takes `training`: a bool."""
    return layer._call_has_training_arg


def calls_within(network):
    """The calls that make a functional or sequential model.

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
    """`(inputs, outputs)` of a functional or sequential model: nested symbolic tensors."""
    graph = _graph(network)
    return graph._inputs_struct, graph._outputs_struct


def _graph(network):
    graph = getattr(network, "_functional", None) or network
    return graph if hasattr(graph, "_nodes_by_depth") else None


def compile_arguments(model):
    """What a compiled model was given in `compile`: a dict of the objects themselves."""
    return dict(model._compile_config.config)
