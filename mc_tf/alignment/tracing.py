"""Operations of a user's code, and which variables it uses where no operation shows it."""

import keras
import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import traced_calls

__all__ = ["Tracing"]


class Tracing:
    """Follows functions of Keras operations while all variables have random values.

    By these, a constant of the trace is known as some of a variable's numbers; and constants that
    change with a variable show that the function uses it in another way.

    Args:
        variables: all variables of the network.
    """

    def __init__(self, variables):
        self._variables = [v for v in variables if keras.backend.is_float_dtype(v.dtype)]
        self._values = None
        self._rows = {}

    def follow(self, function, args, kwargs, owner=None):
        """Traces a function.

        Args:
            function, args, kwargs, owner: as of `traced_calls`.

        Returns:
            `(calls, outputs, used)`: as from `traced_calls`, and the variables that it uses where
            neither operations nor `source` show it.
        """
        if self._values is None:
            self._values = [self._random(seed) for seed in (0, 1)]

        def constants(changed):
            first, second = self._values
            values = {**first, **{id(v): second[id(v)] for v in changed}}
            pairs = [(v, values[id(v)]) for v in self._variables]
            calls, outputs = traced_calls(function, args, kwargs, owner, pairs)
            return calls, outputs, self._seen(calls, outputs, values)

        calls, outputs, seen = constants([])

        def used(chosen):
            if not chosen or constants(chosen)[2] == seen:
                return []
            half = len(chosen) // 2
            return used(chosen[:half]) + used(chosen[half:]) if half else chosen

        return calls, outputs, used(self._variables)

    def source(self, array):
        """The variable that a constant of the trace is made of, or `None`.

        Returns:
            `(variable, turned)`: the constant holds some rows of the variable, along the same last
            axis; or it is `turned`, and its first axis is the variable's last.
        """
        return None if self._values is None else self._source(array, self._values[0])

    def _source(self, array, values):
        array = ops.convert_to_numpy(array)
        for turned in (False, True)[: 2 if array.ndim == 2 else 1]:
            rows = np.ascontiguousarray(array.T if turned else array)
            for variable in self._variables:
                fits = rows.ndim and rows.shape[-1:] == tuple(variable.shape[-1:])
                if fits and rows.shape[-1] > 1 and variable.dtype in ("float32", "float64"):
                    known = self._rows_of(values[id(variable)])
                    if rows.size and all(r.tobytes() in known for r in _as_rows(rows)):
                        return variable, turned
        return None

    def _rows_of(self, value):
        if id(value) not in self._rows:
            rows = _as_rows(np.ascontiguousarray(ops.convert_to_numpy(value)))
            self._rows[id(value)] = {row.tobytes() for row in rows}
        return self._rows[id(value)]

    def _random(self, seed):
        rng = np.random.default_rng(seed)
        shaped = ((v, rng.random(tuple(v.shape), "float32")) for v in self._variables)
        return {id(v): ops.convert_to_tensor(value, v.dtype) for v, value in shaped}

    def _seen(self, calls, outputs, values):
        """All that operations are given besides symbols and variables, to compare."""
        content = []
        for operation, args, kwargs, _ in calls:
            own = {} if isinstance(operation, keras.layers.Layer) else vars(operation)
            content.append(type(operation).__name__)
            for leaf in keras.tree.flatten([args, dict(kwargs), _public(own)]):
                content += self._content(leaf, values)
        for leaf in keras.tree.flatten(outputs):
            content += self._content(leaf, values)
        return content

    def _content(self, leaf, values):
        if isinstance(leaf, (keras.KerasTensor, keras.Variable)):
            return []
        if isinstance(leaf, slice):
            return [str(leaf)]
        if hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
            source = self._source(leaf, values)
            return [id(source[0]) if source else ops.convert_to_numpy(leaf).tobytes()]
        return [leaf] if isinstance(leaf, (bool, int, float, str)) else []


def _as_rows(array):
    return array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)


def _public(attributes):
    """Attributes of an operation: without its name, which is numbered, and its place in graphs."""
    return {key: v for key, v in attributes.items() if key[0] != "_" and key != "name"}
