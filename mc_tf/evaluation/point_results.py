"""Values at points in weight space, stored during the evaluation."""

import json
import os
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from mc_tf.distribute.processes import gathered
from mc_tf.evaluation.shown import plain_lists, range_line
from mc_tf.storage.files import read_arrays, write_arrays
from mc_tf.typing import PathLike

__all__ = ["SHOWN", "PointResults"]

# Values shown in tables and summaries, if available.
SHOWN = tuple(
    f"{part}_{value}"
    for part in ("train", "validation", "test")
    for value in ("loss", "error", "perplexity")
)

_NAMES = ("fingerprint", "description", "done")  # of arrays that every file has
_ACCURACIES = (
    "sparse_categorical_accuracy",
    "categorical_accuracy",
    "binary_accuracy",
    "accuracy",
    "acc",
)


class PointResults:
    """Base class for results of curves and grids: named values at points, with their file.

    A subclass defines `kind` and `maker` for messages, `_arrays` with further arrays of its file,
    and `_from_arrays`, which creates an empty result from them. It also defines `_title` and
    `_positions`, for texts and rows.

    Args:
        num_points: number of points.
        fingerprint: str that identifies everything the values depend on.
        description: dict that describes the evaluation to readers.

    Attributes:
        done: which points are evaluated, bool of shape `(num_points,)`.
        fingerprint, description: as given.
        inputs: str that identifies the data, as far as possible without reading it.
    """

    kind: str
    maker: str

    def __init__(
        self, num_points: int, fingerprint: str = "", description: dict[str, Any] | None = None
    ) -> None:
        self.done = np.zeros(num_points, bool)
        self.fingerprint = fingerprint
        self.description = dict(description or {})
        self.inputs = ""
        self._values = {}

    @property
    def complete(self) -> bool:
        """Whether every point is evaluated."""
        return bool(self.done.all())

    @property
    def names(self) -> list[str]:
        """Names of the values, sorted."""
        return sorted(self._values)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._values:
            raise KeyError(f"No values named '{name}'. Available: {', '.join(self.names)}")
        return self._values[name]

    def record(self, index: int, logs: Mapping[str, float]) -> None:
        """Stores the values of one point and adds errors in percent for accuracies.

        Args:
            index: index of the point.
            logs: dict name -> float.
        """
        logs = dict(logs)
        for name, value in list(logs.items()):
            error = _error_name(name)
            if error:
                logs.setdefault(error, 100.0 * (1.0 - value))
        for name, value in logs.items():
            if name not in self._values:
                self._values[name] = np.full(len(self.done), np.nan)
            self._values[name][index] = value
        self.done[index] = True

    # For reading.

    def __repr__(self):
        done, count = int(self.done.sum()), len(self.done)
        names = [name for name in SHOWN if name in self._values] or self.names[:4]
        lines = [self._title()]
        if done < count:
            lines.append(f"  {done} of {count} points are evaluated")
        lines += [range_line(name, self._values[name]) for name in names]
        others = len(self._values) - len(names)
        return "\n".join(lines + ([f"  and {others} other values, see `names`"] if others else []))

    def rows(self) -> list[dict[str, Any]]:
        """Returns the evaluated points as table rows, for `pandas.DataFrame(result.rows())`.

        Returns:
            List of dicts, one per point: its position and its values.
        """
        positions = self._positions()
        return [
            plain_lists(positions[k] | {name: self._values[name][k] for name in self.names})
            for k in np.flatnonzero(self.done)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns all results as Python dicts, lists, numbers and strings.

        Returns:
            dict with `kind`, `description`, the positions, and `values`, a list for each name.
        """
        return plain_lists(
            {
                "kind": self.kind,
                "description": json.loads(json.dumps(self.description, default=str)),
                "done": self.done,
                **self._parts(),
                "values": {name: self[name] for name in self.names},
            }
        )

    def _title(self):
        raise NotImplementedError

    def _positions(self):
        raise NotImplementedError

    def _parts(self):
        raise NotImplementedError

    # Files.

    def _arrays(self):
        raise NotImplementedError

    @classmethod
    def _from_arrays(cls, stored, fingerprint, description):
        raise NotImplementedError

    def save(self, path: PathLike | None) -> None:
        """Writes `PATH.npz` atomically; does nothing if `path` is `None`."""
        if path is None:
            return
        write_arrays(
            f"{path}.npz",
            done=self.done,
            fingerprint=np.array(self.fingerprint),
            inputs=np.array(self.inputs),
            description=np.array(json.dumps(self.description, default=str)),
            **self._arrays(),
            **{f"value:{name}": array for name, array in self._values.items()},
        )

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Loads a saved result, complete or partial.

        Args:
            path: file name, with or without the extension `.npz`.

        Returns:
            An instance of this class.

        Raises:
            FileNotFoundError: if the file does not exist.
            DamagedFileError: if the file is damaged.
            ValueError: if the file contains something else.
        """
        path = os.fspath(path)
        file = path if path.endswith(".npz") else f"{path}.npz"
        if not os.path.exists(file):
            raise FileNotFoundError(
                f"There is no result file '{file}'. Evaluate first ({cls.maker})."
            )

        def build(stored):
            description = json.loads(str(stored["description"]))
            result = cls._from_arrays(stored, str(stored["fingerprint"]), description)
            result.done = stored["done"]
            result.inputs = str(stored["inputs"]) if "inputs" in stored else ""
            result._values = {
                key.removeprefix("value:"): array
                for key, array in stored.items()
                if key.startswith("value:")
            }
            return result

        return read_arrays(
            file, ("fingerprint", "description", "done"), f"a {cls.kind}", cls.maker, build
        )

    def resumed(self, path: PathLike | None) -> Self:
        """Returns the stored result of the same evaluation, or this empty one.

        Args:
            path: file name without extension, or `None`.

        Returns:
            An instance of this class.

        Raises:
            DamagedFileError: if the file is damaged.
            ValueError: if it belongs to another evaluation, or not all processes see it.
        """
        if path is None:
            return self
        result = self._found(path)
        if len({*gathered(int(result.done.sum()))}) > 1:
            raise ValueError(
                f"Only some of the processes see the points in '{path}.npz'. Choose a directory "
                "that all of them share."
            )
        return result

    def _found(self, path):
        if not os.path.exists(f"{path}.npz"):
            return self
        result = self.load(path)
        if (result.fingerprint, result.inputs or self.inputs) != (self.fingerprint, self.inputs):
            raise ValueError(
                f"'{path}.npz' holds the results of another {self.kind}: weights, data, metrics or "
                "points differ. Choose another path, or move the file to evaluate again."
            )
        result.inputs = self.inputs
        return result


def _error_name(name):
    for accuracy in _ACCURACIES:
        if name.endswith(f"_{accuracy}") and not name.endswith(f"top_k_{accuracy}"):
            return name.removesuffix(accuracy) + "error"
    return None
