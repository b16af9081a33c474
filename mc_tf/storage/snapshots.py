"""Snapshots: the weights and state of a network at one training step, in small files."""

import dataclasses
import json
import os

import keras
import numpy as np
from keras import ops

from mc_tf.arguments import check_network, check_path
from mc_tf.backend.array_kinds import is_finite
from mc_tf.storage.checksums import OtherKindError
from mc_tf.storage.files import read_arrays, write_arrays
from mc_tf.typing import PathLike
from mc_tf.weights.architecture import describe, find_difference
from mc_tf.weights.compatibility import check_one_network
from mc_tf.weights.flat import (
    aligned_state,
    assign_flat,
    flat_weights,
    state_variables,
    variable_name,
)
from mc_tf.weights.preprocessing import refresh

__all__ = ["Snapshot", "load_snapshot", "read_snapshot", "save_snapshot", "take_snapshot"]


@dataclasses.dataclass(frozen=True, repr=False)
class Snapshot:
    """Weights and state of a network, without the network.

    Attributes:
        weights: flat vector `(P,)` of the trainable weights, in the order of
            `model.trainable_variables`.
        state: list of arrays: other state of the network, such as batch normalization statistics.
        layout: list of `[path, shape]` of the trainable weights and then of the state.
        record: dict of numbers, such as `{"step": 390, "learning_rate": 5e-4}`.
        architecture: description of the network, see `mc_tf.weights.architecture.describe`; `None`
            if unknown, as in files of earlier versions.
    """

    weights: np.ndarray
    state: list
    layout: list
    record: dict
    architecture: list | None = None

    def __repr__(self):
        record = ", ".join(f"{name} {value:.6g}" for name, value in list(self.record.items())[:4])
        return f"Snapshot: {len(self.weights)} weights, {len(self.state)} arrays of state" + (
            f"; {record}" if record else ""
        )

    def check_fits(self, model, source="the snapshot"):
        """Rejects a model whose weights have other shapes or names, or whose layers differ.

        Args:
            model: built Keras model.
            source: name of the snapshot in the message, such as its file.

        Raises:
            ValueError: naming the first difference.
        """
        check_one_network(model, getattr(model, "name", "model"))
        wanted = _layout(model)
        for index in range(max(len(wanted), len(self.layout))):
            ours = self.layout[index] if index < len(self.layout) else ("nothing", "")
            theirs = wanted[index] if index < len(wanted) else ("nothing", "")
            names = [variable_name(each[0]) for each in (ours, theirs)]
            if list(ours[1]) != list(theirs[1]) or names[0] != names[1]:
                shown = [f"'{each[0]}' {tuple(each[1])}" for each in (ours, theirs)]
                self._refuse(model, source, f"variable {index}", *shown)
        if self.architecture is not None:
            difference = find_difference(self.architecture, describe(model))
            if difference:
                self._refuse(model, source, *difference)

    def aligned(self, model):
        """Adapts the snapshot to a model with random seeds in other layers.

        A dropout of rate 0 has no seed, so networks that are equal at inference may have different
        numbers of seeds.

        Args:
            model: built Keras model; its seeds are used if the number differs.

        Returns:
            `Snapshot`, which may still not match.
        """
        layout = self.layout[len(self.layout) - len(self.state) :]
        paths = [path for path, _ in layout]
        state = aligned_state(model, paths, self.state)
        if state is self.state:
            return self
        layout = [
            each if isinstance(each, list) else [each.path, list(each.shape)]
            for each in aligned_state(model, paths, layout)
        ]
        layout = [*self.layout[: len(self.layout) - len(self.state)], *layout]
        state = [np.array(ops.convert_to_numpy(value)) for value in state]
        return dataclasses.replace(self, state=state, layout=layout)

    @staticmethod
    def _refuse(model, source, where, ours, theirs):
        raise ValueError(
            f"{source} does not fit the model '{getattr(model, 'name', model)}'. They first differ "
            f"at {where}: {ours} in the snapshot, {theirs} in the model. Give the model that was "
            "trained."
        )

    def assign_to(self, model):
        """Assigns the weights and state to a model.

        Args:
            model: built Keras model.

        Raises:
            ValueError: if its weights have other shapes.
        """
        aligned = self.aligned(model)
        aligned.check_fits(model)
        assign_flat(model, self.weights)
        for variable, value in zip(state_variables(model), aligned.state):
            variable.assign(value)
        refresh(model)


def take_snapshot(model, **record):
    """Copies the weights and state of a network.

    Args:
        model: built Keras model.
        **record: numbers to store with them.

    Returns:
        `Snapshot`.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> take_snapshot(model, step=7).weights.shape
        (3,)
    """
    return Snapshot(
        flat_weights(model),
        [np.array(ops.convert_to_numpy(v)) for v in state_variables(model)],
        _layout(model),
        dict(record),
        describe(model),
    )


def _layout(model):
    variables = [*model.trainable_variables, *state_variables(model)]
    return [[v.path, list(v.shape)] for v in variables]


def save_snapshot(path, snapshot):
    """Writes a snapshot atomically.

    Args:
        path: file name, ending in `.npz`.
        snapshot: `Snapshot`.

    Raises:
        ValueError: if a weight is not finite, or a value of the state is NaN.
        OSError: if the file cannot be written, for instance on a full disk; an existing file is
            kept.
    """
    _check_finite(snapshot, path)
    arrays = {f"state:{index}": _storable(value) for index, value in enumerate(snapshot.state)}
    arrays |= {f"record:{name}": np.asarray(value) for name, value in snapshot.record.items()}
    arrays["weights"] = _storable(snapshot.weights)
    dtypes = [str(snapshot.weights.dtype), *(str(value.dtype) for value in snapshot.state)]
    about = {"variables": snapshot.layout, "dtypes": dtypes}
    if snapshot.architecture is not None:
        about["architecture"] = snapshot.architecture
    arrays["layout"] = np.asarray(json.dumps(about))
    write_arrays(path, **arrays)


def _check_finite(snapshot, path):
    states = zip(snapshot.layout[-len(snapshot.state) :], snapshot.state)
    # An infinity in the state may be a mask.
    wrong = [name for (name, _), value in states if not is_finite(value) and np.isnan(value).any()]
    if not is_finite(snapshot.weights) or wrong:
        what = f"'{wrong[0]}' is" if wrong else "some of its weights are"
        raise ValueError(
            f"The snapshot is not written to '{os.fspath(path)}': {what} NaN or infinite. Save the "
            "network before training diverges, or train it with a smaller learning rate."
        )


def _storable(value):
    """Numpy only writes its own dtypes: bfloat16 is stored as float32, without loss."""
    return value.astype("float32") if value.dtype.kind == "V" else value


def read_snapshot(path):
    """Reads a snapshot.

    Args:
        path: file written by `save_snapshot`.

    Returns:
        `Snapshot`.

    Raises:
        FileNotFoundError: if the file does not exist.
        DamagedFileError: if it is damaged.
        ValueError: if it is something else.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no snapshot '{path}'.")

    def build(arrays):
        if "layout" not in arrays:
            kinds = ", ".join(list(arrays)[:5]) or "nothing"
            raise OtherKindError(
                f"'{path}' is not a snapshot: it holds {kinds}. Averaged weights are in swa.keras."
            )
        return _from_arrays(arrays)

    return read_arrays(path, (), "a snapshot", "save it again", build)


def _from_arrays(arrays):
    about = json.loads(str(arrays["layout"]))
    dtypes = about["dtypes"]
    state = [_restored(arrays[f"state:{i}"], dtypes[i + 1]) for i in range(len(dtypes) - 1)]
    prefix = "record:"
    record = {k.removeprefix(prefix): v.item() for k, v in arrays.items() if k.startswith(prefix)}
    weights = _restored(arrays["weights"], dtypes[0])
    return Snapshot(weights, state, about["variables"], record, about.get("architecture"))


def _restored(value, dtype):
    if str(value.dtype) == dtype:
        return value
    import ml_dtypes  # a dependency of Keras

    return value.astype(np.dtype(getattr(ml_dtypes, dtype, dtype)))


def load_snapshot(model: keras.Model, path: PathLike) -> dict[str, float]:
    """Assigns the weights and the state of a snapshot to a model.

    Args:
        model: built Keras model.
        path: file written by `SnapshotSaver` or `save_snapshot`.

    Returns:
        The snapshot's record, a dict of numbers.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is damaged or does not match the model; the message names the difference.
    """
    check_network("model", model)
    check_path("path", path)
    snapshot = read_snapshot(path).aligned(model)
    snapshot.check_fits(model, f"The snapshot '{os.fspath(path)}'")
    snapshot.assign_to(model)
    return snapshot.record
