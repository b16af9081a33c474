"""Input signature of a served network: the name, shape and type of each input."""

import keyword
import re

import keras
import numpy as np

__all__ = ["input_signature"]

_NUMBERED = re.compile(r"(keras_tensor|input_layer)(_\d+)?(CLONE)*")  # differs between processes


def input_signature(model, example=None):
    """Returns tensor specifications of a model's inputs, and a function to call the model.

    Args:
        model: built Keras model.
        example: example inputs, as for `export_ensemble`. Default: inputs of the graph.

    Returns:
        `(specs, rebuild)`: a list of `tf.TensorSpec` with unique names and a variable batch size;
        and a function from a list of such tensors to the model's inputs.

    Raises:
        ValueError: if the model has no graph and `example` is missing, or a part of the example has
            no batch axis.
    """
    import tensorflow as tf

    graph = _graph_inputs(model)
    if example is None and graph is None:
        raise ValueError(
            f"The inputs of the model '{model.name}' are not known: it has no graph. Pass a batch "
            "of inputs: `ensemble.export(path, example=x)`."
        )
    structure = graph if example is None else _as_structure(example)
    leaves = keras.tree.flatten_with_path(structure)
    described = [_describe(leaf, own) for (_, leaf), own in zip(leaves, _partners(graph, leaves))]
    names = _distinct([_name(path, given) for (path, _), (_, _, given) in zip(leaves, described)])
    specs = [
        tf.TensorSpec((None, *shape[1:]), dtype or model.variable_dtype, name)
        for (shape, dtype, _), name in zip(described, names)
    ]
    return specs, lambda inputs: keras.tree.pack_sequence_as(structure, list(inputs))


def _graph_inputs(model):
    """Returns the symbolic inputs of a model in their structure; `None` without a graph."""
    if not getattr(model, "inputs", None):
        return None
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _as_structure(example):
    """Dicts, lists and tuples of leaves with a type; numbers or words in lists are one array."""
    if hasattr(example, "element_spec"):  # a data set of inputs, or of inputs and labels
        inputs = keras.utils.unpack_x_y_sample_weight(example.element_spec)[0]
        return keras.tree.map_structure(_of_data, inputs)
    if isinstance(example, dict):
        return {key: _as_structure(value) for key, value in example.items()}
    if isinstance(example, (list, tuple)):
        if not any(hasattr(leaf, "shape") for leaf in keras.tree.flatten(example)):
            return np.asarray(example)
        parts = map(_as_structure, example)
        return type(example)(*parts) if hasattr(example, "_fields") else type(example)(parts)
    if hasattr(example, "to_frame"):  # a column of pandas, which Keras takes as `(N, 1)`
        example = example.to_frame()
    return example if hasattr(example, "dtype") else np.asarray(example)


def _of_data(spec):
    """Specification of data; floats may have any precision."""
    dtype = None if spec.dtype.is_floating else spec.dtype.name
    return keras.InputSpec(dtype=dtype, shape=tuple(spec.shape))


def _partners(graph, leaves):
    """Matches leaves of an example to inputs of the graph, by position or by name."""
    inputs = [] if graph is None else keras.tree.flatten_with_path(graph)
    if len(inputs) == len(leaves) == 1:
        return [inputs[0][1]]
    by_path, by_name = dict(inputs), {(leaf.name,): leaf for _, leaf in inputs}
    return [by_path.get(path, by_name.get(path)) for path, _ in leaves]


def _describe(leaf, own):
    """Returns shape, type (`None` for the model's) and name (`None` for positional) of an input."""
    import tensorflow as tf

    stated = isinstance(leaf, (tf.TensorSpec, keras.KerasTensor, keras.InputSpec))
    if not stated and own is not None:
        leaf, stated = own, True  # keep variable lengths of the graph, whatever the example's
    shape = tf.TensorShape(leaf.shape)
    if not shape.rank:
        raise ValueError(
            "The first axis of each input must be the batch axis: (N, ...) for a batch, (None, "
            f"...) for a specification. Received as `example`: {leaf!r}"
        )
    dtype = None if leaf.dtype is None else tf.as_dtype(leaf.dtype)
    if dtype is not None and dtype.is_floating and not stated:
        dtype = None
    names = [getattr(own, "name", None), getattr(leaf, "name", None) if stated else None]
    names = [name for name in names if name and not _NUMBERED.fullmatch(name)]
    return shape.as_list(), dtype, names[0] if names else None


def _name(path, given):
    """Name from the joined dict keys, the given name, or `inputs` and the position."""
    if given and not any(isinstance(key, str) for key in path):
        return given
    return "_".join(map(str, path if path and isinstance(path[0], str) else ("inputs", *path)))


def _distinct(names):
    """Names valid in TensorFlow: identifiers that are unique regardless of case."""
    clean = [re.sub(r"\W", "_", name, flags=re.ASCII) for name in names]
    clean = [name if name[:1].isalpha() else f"inputs_{name}".rstrip("_") for name in clean]
    clean = [f"{name}_" if keyword.iskeyword(name) else name for name in clean]
    taken, result = set(), list(clean)
    for j in sorted(range(len(names)), key=lambda j: clean[j] != names[j]):  # valid names stay
        count = 0
        while result[j].lower() in taken:
            count += 1
            result[j] = f"{clean[j]}_{count}"
        taken.add(result[j].lower())
    return result
