"""Finds which axes of a network's weights must be permuted together, from its graph."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras

from mc_tf.alignment.axes import Axis, Group, Product, Sum, decouple, fix, join
from mc_tf.alignment.inputs import inputs_of, runs_its_graph
from mc_tf.alignment.table import ACTIVATIONS, rule_of
from mc_tf.alignment.tensors import (
    Axes,
    NotUnderstood,
    Weight,
    as_list,
    axes_in,
    check_shapes,
    map_axes,
    numbers_of,
    symbol,
)
from mc_tf.alignment.tracing import Tracing
from mc_tf.backend.keras_internals import calls_within, input_structure, knows_mask

__all__ = ["Axes", "NotUnderstood", "Units", "find_units"]


class Units:
    """The axes of a network: what rules of `mc_tf.alignment.register` make them with.

    Attributes:
        readings: dict from a layer to the axes of the input of each call, for layers with weights.
    """

    def __init__(self, network: keras.Layer) -> None:
        self._weights = {}
        self._tracing = Tracing(network.variables)
        self.readings = {}
        self.shapes = ()  # of the outputs of the call whose rule runs

    @property
    def weights(self) -> list[Weight]:
        """List of `Weight`, in the order of the graph."""
        return list(self._weights.values())

    def new(self, size: int, within: Group | None = None) -> Group:
        """A new axis of `size` units in any order; `within` each unit of another, if given."""
        return Group(size, within)

    def fixed(self, size: int | None, reason: str | None = None) -> Group:
        """A new axis whose order stays, for another `reason` than being a position."""
        return Group(size, fixed=True, reason=reason)

    def concat(self, axes: Iterable[Axis]) -> Axis:
        """Axes one after the other."""
        return Sum(axes)

    def product(self, axes: Iterable[Axis]) -> Axis:
        """Several axes reshaped to one, the last running fastest."""
        return Product(axes)

    def join(self, first: Axis, second: Axis) -> None:
        """Says that two axes have the same order."""
        join(first, second)

    def fix(self, axes: Axis | Sequence[Axis], reason: str | None = None) -> None:
        """Says that the order along an axis, or along several, must stay."""
        for axis in axes if isinstance(axes, (list, tuple)) else [axes]:
            fix(axis, reason)

    def weight(
        self,
        variable: keras.Variable | None,
        axes: Sequence[Axis],
        shape: Sequence[int] | None = None,
        order: Sequence[int] | None = None,
    ) -> None:
        """Says which axes a weight has.

        Args:
            variable: `keras.Variable`, or `None`, which is ignored.
            axes: list of axes, one for each dimension.
            shape, order: reshape and transpose the variable before, where axes only lie beside each
                other then. Default: no change.
        """
        if variable is None:
            return
        if not isinstance(variable, keras.Variable):
            raise NotUnderstood("a weight is not a variable, as with LoRA")
        weight = Weight(variable, axes, shape, order)
        known = self._weights.setdefault(id(variable), weight)
        if known.layout != weight.layout:
            self.fix(known.axes + weight.axes, f"'{variable.path}' is used in two ways")
        elif known is not weight:
            for axis, other in zip(known.axes, weight.axes):
                join(axis, other)

    def axes_of(self, variable: keras.Variable) -> Axes:
        """The axes of a variable that operations use; new ones the first time."""
        if id(variable) not in self._weights:
            self.weight(variable, [Group(size) for size in variable.shape])
        known = self._weights[id(variable)]
        if known.is_plain:
            return Axes(known.axes)
        self.fix(known.axes, reason := f"'{variable.path}' is used in two ways")
        return Axes(self.fixed(size, reason) for size in variable.shape)

    def hold(self, variables: Iterable[keras.Variable], reason: str) -> None:
        """Fixes all axes of variables."""
        for variable in variables:
            if id(variable) not in self._weights:
                self.weight(variable, [self.fixed(size, reason) for size in variable.shape])
            self.fix(self._weights[id(variable)].axes, reason)

    def apply(self, function: Callable[[Any], Any] | None, axes: Sequence[Axis]) -> Sequence[Axis]:
        """The axes of `function(x)`, such as an activation."""
        if function is None or function in ACTIVATIONS:
            return axes
        owner = function if isinstance(function, keras.layers.Layer) else None
        return self._trace(function, [Axes(axes)], {}, owner)[0]

    def call(self, operation: keras.Layer, *args: Any, **kwargs: Any) -> list[Axes]:
        """The axes of the outputs of a layer within the layer: a list, one for each tensor."""
        args = [Axes(each) if isinstance(each, tuple) else each for each in args]
        spec = operation.compute_output_spec(*map_axes(symbol, args), **kwargs)
        return self._call(operation, args, kwargs, [t.shape for t in keras.tree.flatten(spec)])

    def _walk(self, calls, known, outputs):
        """Follows calls in their order; returns the axes of the outputs, one for each tensor."""

        def place(value):
            if isinstance(value, keras.KerasTensor):
                return known[id(value)]
            if isinstance(value, keras.Variable):
                return self.axes_of(value)
            return self._axes_of_constant(value) if len(getattr(value, "shape", ())) else value

        for operation, args, kwargs, results in calls:
            if isinstance(operation, keras.layers.InputLayer):
                continue
            args, kwargs = keras.tree.map_structure(place, (tuple(args), dict(kwargs)))
            results = keras.tree.flatten(results)
            answers = self._call(operation, args, kwargs, [tensor.shape for tensor in results])
            for tensor, axes in zip(results, answers):
                known[id(tensor)] = axes = Axes(axes)
                axes.dtype = tensor.dtype
        return [place(each) for each in keras.tree.flatten(outputs)]

    def _axes_of_constant(self, value):
        """Fixed axes, unless the constant is rows of a variable, as of a layer of positions."""
        source = self._tracing.source(value)
        if source is None:
            return Axes(self.fixed(size, "a constant of the graph") for size in value.shape)
        variable, turned = source
        *others, last = self.axes_of(variable)
        self.fix(others, "rows that are looked up")
        around = [self.fixed(size) for size in (value.shape[1:] if turned else value.shape[:-1])]
        return Axes([last, *around] if turned else [*around, last])

    def _call(self, operation, args, kwargs, shapes):
        """The axes of the outputs of a call; axes that are not understood are fixed."""
        kwargs = {k: v for k, v in kwargs.items() if v is not None and k != "training"}
        try:
            results = as_list(self._understand(operation, args, kwargs, shapes))
            if shapes is not None:
                check_shapes(results, shapes)
        except Exception as error:  # also of a user's rule
            reason = f"{type(operation).__name__} '{operation.name}': {error}"[:200]
            results = [Axes(self.fixed(size, reason) for size in shape) for shape in shapes or ()]
            for axes in axes_in((args, kwargs)):
                self.fix(axes, reason)
            self.hold(numbers_of(operation), reason)
        for axes in results:
            for axis in axes:
                decouple(axis)
        return results

    def _understand(self, operation, args, kwargs, shapes):
        rule, is_layer = rule_of(operation), isinstance(operation, keras.layers.Layer)
        if not is_layer and any(len(getattr(v, "shape", ())) for v in vars(operation).values()):
            raise NotUnderstood("it contains an array")
        if rule is not None:
            self.shapes = shapes
            if is_layer and operation.weights:
                self.readings.setdefault(operation, []).append(next(axes_in(args), None))
            results = rule(operation, self, *args, **kwargs)
            missing = [v for v in numbers_of(operation) if id(v) not in self._weights]
            if missing:
                raise NotUnderstood(f"nothing is known of its weight '{missing[0].name}'")
            return results
        if not is_layer:
            raise NotUnderstood("an operation that is not known")
        if runs_its_graph(operation):
            inputs, outputs = input_structure(operation)
            tensors, axes = keras.tree.flatten(inputs), list(axes_in((args, kwargs)))
            by_name = isinstance(inputs, dict), isinstance(args[0] if args else None, dict)
            if len(tensors) != len(axes) or by_name[0] != by_name[1]:
                raise NotUnderstood("it is called on other inputs than it was made with")
            known = {id(tensor): each for tensor, each in zip(tensors, axes)}
            return self._walk(calls_within(operation), known, outputs)
        if knows_mask(operation):  # Keras passes one that no call shows
            for axes in axes_in((args, kwargs)):
                self.fix(axes[1:-1])
        return self._trace(operation.call, args, kwargs, operation)

    def _trace(self, function, args, kwargs, owner=None):
        """Follows the operations of a function, also if the batch must be of some size."""
        for batch in (None, 2):
            tensors, known = [], {}  # alive as long as their ids are keys

            def tensor(axes, batch=batch, tensors=tensors, known=known):
                tensors.append(symbol(axes, batch))
                known[id(tensors[-1])] = axes
                return tensors[-1]

            given = map_axes(tensor, (list(args), kwargs))
            try:
                calls, outputs, used = self._tracing.follow(function, *given, owner)
                break
            except Exception as error:
                if batch:
                    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
                    raise NotUnderstood(f"its call is not of Keras operations: {text}") from error
        self.hold(used, "used where no operation shows it")
        return self._walk(calls, known, outputs)


def find_units(network):
    """Finds the axes of all weights of a network.

    Args:
        network: built Keras model or layer.

    Returns:
        `Units`.

    Raises:
        ValueError: if Keras does not know the shapes of its inputs.
    """
    units = Units(network)
    for axes in units._call(network, *inputs_of(network), shapes=None):
        units.fix(axes, "output")
    seen = {id(weight.variable) for weight in units.weights}
    units.hold([v for v in numbers_of(network) if id(v) not in seen], "of no operation")
    for weight in units.weights:
        for axis in weight.axes:
            decouple(axis)
    return units
