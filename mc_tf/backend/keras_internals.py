"""What is private in Keras and needed here: each access is a function with a name."""

import sys
import types

import keras
from keras import ops
from keras.src import backend

__all__ = [
    "append_callback",
    "build_metrics",
    "callbacks_of_fit",
    "calls_within",
    "compile_arguments",
    "evaluation_settings",
    "excluded_by_others",
    "frame_of_fit",
    "inner_optimizer",
    "input_structure",
    "is_running",
    "knows_training",
    "layers_within",
    "loss_options",
    "mask_of",
    "metric_direction",
    "metrics_within",
    "operation_of",
    "own_variables",
    "seed_generators",
    "set_by_slice",
    "set_mask",
    "training_in_fit",
    "uses_weight_decay",
]


def layers_within(layer):
    """A layer or model and all layers in it, at any depth, each once, outer ones first."""
    return list(layer._flatten_layers())


def seed_generators(layer):
    """The `keras.random.SeedGenerator`s of a layer or model and of all layers in it."""
    return [each for part in layers_within(layer) for each in part._seed_generators]


def own_variables(layer):
    """The variables that a layer itself made, without those of the layers in it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def knows_training(layer):
    """Whether a layer's `call` takes `training`: a bool."""
    return layer._call_has_training_arg


def training_in_fit(model):
    """The `training` with which `fit` calls a model: `None` if its `call` does not take it.

    Layers count as called by a model that says it.
    """
    return True if not isinstance(model, keras.Model) or knows_training(model) else None


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


def inner_optimizer(optimizer):
    """The optimizer that a loss-scaling one wraps, or the given one itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def uses_weight_decay(optimizer, variable):
    """Whether an optimizer decays a variable, by `exclude_from_weight_decay`: a bool."""
    return optimizer._use_weight_decay(variable)


def excluded_by_others(optimizer, variables):
    """Whether `exclude_from_weight_decay(var_list)` has variables beside the given ones: a bool."""
    known = {optimizer._var_key(v) for v in variables}
    return not known.issuperset(getattr(optimizer, "_exclude_from_weight_decay", ()))


def set_by_slice(optimizer, decay_factors, split):
    """Has an optimizer decay and clip slices of flat variables as variables of their own.

    Args:
        optimizer: Keras optimizer. Its class remains the same.
        decay_factors: function of the optimizer that returns an array `(P,)` of zeros and ones,
            which parts decay, or `None` for all.
        split: function from a gradient `(P,)` to the list of its slices.
    """

    def apply_weight_decay(optimizer, variables):
        factors, weight_decay = decay_factors(optimizer), optimizer.weight_decay
        variables = [v for v in variables if optimizer._use_weight_decay(v)]
        if not variables:  # PyTorch would refuse an empty list
            return None
        if factors is None or weight_decay is None:
            return type(optimizer)._apply_weight_decay(optimizer, variables)
        if keras.backend.backend() == "torch":  # by one number for all variables there
            factors = 1 - weight_decay * ops.convert_to_tensor(optimizer.learning_rate) * factors
            for variable in variables:
                variable.assign(variable * ops.cast(factors, variable.dtype))
            return None
        try:
            optimizer.weight_decay = weight_decay * factors
            return type(optimizer)._apply_weight_decay(optimizer, variables)
        finally:
            optimizer.weight_decay = weight_decay

    def clip_by_norm(optimizer, values, axes=None):
        clip = type(optimizer)._clip_by_norm
        return ops.concatenate([clip(optimizer, part, axes) for part in split(values)])

    # As methods, so that a deep copy of the optimizer has its own.
    optimizer._apply_weight_decay = types.MethodType(apply_weight_decay, optimizer)
    optimizer._clip_by_norm = types.MethodType(clip_by_norm, optimizer)


def callbacks_of_fit():
    """All callbacks of the `fit` that is calling one of them right now.

    Keras gives a callback no list of the others; the call stack has it.

    Returns:
        List of `keras.callbacks.Callback`, empty outside of `fit`.
    """
    frame = _frame_of_callbacks()
    return [] if frame is None else list(frame.f_locals["self"].callbacks)


def append_callback(callback):
    """Adds a callback to the `fit` that is calling one right now, after all others."""
    frame = _frame_of_callbacks()
    if frame is not None:
        callbacks = frame.f_locals["self"].callbacks
        if callback in callbacks:
            callbacks.remove(callback)
        callbacks.append(callback)


def frame_of_fit():
    """The frame of the `fit` that is calling a callback right now, or `None`."""
    frame = _frame_of_callbacks()
    return frame and frame.f_back


def is_running(frame, thread):
    """Whether a frame has not returned.

    Args:
        frame: frame.
        thread: identifier of its thread.

    Returns:
        bool.
    """
    for _ in range(3):  # the stack of another thread may change while it is read
        found = sys._current_frames().get(thread)
        while found is not None and found is not frame:
            found = found.f_back
        if found is frame:
            return True
    return False


def _frame_of_callbacks():
    frame = sys._getframe(1)
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), keras.callbacks.CallbackList):
            return frame
        frame = frame.f_back
    return None


def metrics_within(layer):
    """The metrics that a layer or model and all layers in it keep, without compiled ones."""
    parts = layers_within(layer)
    # Keras leaves out those of a model within, but not those of its layers.
    parts = [part for part in parts if part is layer or not isinstance(part, keras.Model)]
    return list({id(m): m for part in parts for m in part._metrics}.values())


def metric_direction(metric):
    """Whether a metric is better when it is higher, as far as Keras says so.

    Args:
        metric: `keras.metrics.Metric`.

    Returns:
        `"up"`, `"down"`, or `None`.
    """
    return getattr(metric, "_direction", None)


def loss_options(loss):
    """The options that a loss of Keras passes to its function, some of which have no attribute."""
    return getattr(loss, "_fn_kwargs", {})


def mask_of(tensor):
    """The mask that Keras attached to a tensor, `None` for none."""
    return backend.get_keras_mask(tensor)


def set_mask(tensor, mask):
    """Attaches a mask to a tensor, for losses and metrics of Keras."""
    backend.set_keras_mask(tensor, mask)


def operation_of(tensor):
    """The operation or layer that made a tensor of a graph.

    Returns:
        `(operation, inputs, index)`: with the tensors that it was called with, and which of its
        outputs the tensor is; `(None, [], 0)` of a tensor without a history.
    """
    history = getattr(tensor, "_keras_history", None)
    if history is None:
        return None, [], 0
    node = history.operation._inbound_nodes[history.node_index]
    return history.operation, node.input_tensors, history.tensor_index


def evaluation_settings(network):
    """What a compiled model evaluates, as arguments of `compile`.

    Args:
        network: a compiled Keras model.

    Returns:
        dict.
    """
    given = compile_arguments(network)
    names = ("loss", "loss_weights", "metrics", "weighted_metrics")
    return {name: given.get(name) for name in names}


def build_metrics(model, batch):
    """Makes the variables of compiled metrics, which Keras does in the first step otherwise.

    Args:
        model: compiled Keras model.
        batch: batch of its data, `(x, y)`.
    """
    model._symbolic_build(data_batch=batch)
