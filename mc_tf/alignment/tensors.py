"""The axes of tensors and weights, and arguments of calls with axes in the place of tensors."""

import math

import keras

from mc_tf.alignment.axes import Group, Product, Sum, resolve
from mc_tf.weights.flat import variable_name

__all__ = [
    "Axes",
    "NotUnderstood",
    "Weight",
    "as_list",
    "axes_in",
    "check_shapes",
    "map_axes",
    "numbers_of",
    "symbol",
]


class NotUnderstood(Exception):
    """Raised by rules: the axes that the layer touches are fixed, and the message is the reason."""


class Axes(tuple):
    """The axes of one tensor: a tuple, which also has the tensor's `dtype`."""

    dtype = None


class Weight:
    """The axes of one variable.

    Attributes:
        variable: `keras.Variable`.
        shape, order: the variable is reshaped to `shape` and transposed to `order` before the axes
            apply, each to as many dimensions as its size asks for.
        axes: list of axes.
    """

    def __init__(self, variable, axes, shape=None, order=None):
        self.variable = variable
        self.shape = tuple(variable.shape if shape is None else shape)
        self.order = tuple(range(len(self.shape)) if order is None else order)
        self.axes = list(axes)
        sizes = [axis.size for axis in self.axes]
        if None in sizes or math.prod(sizes) != math.prod(variable.shape):
            raise NotUnderstood(f"its weight '{variable.name}' is not of the sizes {sizes}")

    @property
    def layout(self):
        """How the axes lie on the variable, to compare."""
        return self.shape, self.order, len(self.axes)

    @property
    def is_plain(self):
        """Whether each axis is one dimension of the variable."""
        shape = tuple(self.variable.shape)
        as_given = self.shape == shape and self.order == tuple(range(len(shape)))
        return as_given and tuple(axis.size for axis in self.axes) == shape

    def resolved(self):
        """The axes in their simplest form."""
        return [resolve(axis) for axis in self.axes]


def numbers_of(layer):
    """A layer's variables that have units: no seeds, counters and switches."""
    many = (v for v in getattr(layer, "variables", ()) if math.prod(v.shape) > 1)
    return [v for v in many if variable_name(v.path) != "seed_generator_state"]


def axes_in(structure):
    """Yields the axes of all tensors among arguments."""
    if isinstance(structure, Axes):
        yield structure
    elif isinstance(structure, (list, tuple, dict)):
        named = isinstance(structure, dict)  # in the order in which Keras flattens them
        for each in map(structure.get, sorted(structure)) if named else structure:
            yield from axes_in(each)


def map_axes(function, structure):
    """Arguments with `function(axes)` in the place of each tensor's axes."""
    if isinstance(structure, Axes):
        return function(structure)
    if isinstance(structure, dict):
        return {key: map_axes(function, each) for key, each in structure.items()}
    if type(structure) in (list, tuple):
        return type(structure)(map_axes(function, each) for each in structure)
    return structure


def symbol(axes, batch=None):
    """A symbolic tensor with these axes; `batch` in the place of an unknown first size."""
    shape = [axis.size for axis in axes]
    if shape and shape[0] is None:
        shape[0] = batch
    return keras.KerasTensor(shape, dtype=getattr(axes, "dtype", None) or "float32")


def as_list(results):
    """What a rule returns, as a list of `Axes`."""
    if all(isinstance(each, (Group, Sum, Product)) for each in results):
        return [Axes(results)]
    return [Axes(each) for each in results]


def check_shapes(results, shapes):
    """Rejects axes of other sizes than the tensors have."""
    for axes, shape in zip(results, shapes, strict=True):
        sizes = tuple(axis.size for axis in axes)
        if len(sizes) != len(shape) or any(
            None not in pair and pair[0] != pair[1] for pair in zip(sizes, shape)
        ):
            raise NotUnderstood(f"its rule finds the shape {sizes} where it is {tuple(shape)}")
