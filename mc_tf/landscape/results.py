"""The result of evaluating a grid: arrays over its coordinates, and files of shards."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mc_tf.deprecation import warn_renamed
from mc_tf.evaluation.point_results import PointResults
from mc_tf.evaluation.shown import marked_text
from mc_tf.landscape.shards import shard_path, versions_of
from mc_tf.storage.destinations import output_held
from mc_tf.storage.files import write_json
from mc_tf.typing import ArrayLike, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GridEvaluation", "shard_path"]


class GridEvaluation(PointResults):
    """Values of loss and metrics on a grid of a line, plane or rays, from `evaluate_grid`.

    Index it by name: `result["train_loss"]` is a float64 array with one axis for each coordinate,
    so on a plane `result["train_loss"][i, j]` is the value at `(axes[0][i], axes[1][j])`.

    Args:
        surface: class name of the surface, such as `"Plane"`.
        axes: list of coordinate arrays.
        marks, paths, projection_error, units: see `mc_tf.landscape.Surface`. Default units: 1.
        fingerprint, description: see `PointResults`.

    Attributes:
        surface, axes, marks, paths, projection_error, units, description: as given.
        done: whether each point is evaluated, bool of shape `(N,)`, the last coordinate fastest.
    """

    kind = "grid evaluation"
    maker = "eval_grid.py"

    def __init__(
        self,
        surface: str,
        axes: Sequence[ArrayLike],
        marks: Mapping[str, np.ndarray],
        paths: Mapping[str, np.ndarray],
        projection_error: Mapping[str, np.ndarray],
        fingerprint: str = "",
        description: dict[str, Any] | None = None,
        units: ArrayLike | None = None,
    ) -> None:
        self.surface = surface
        self.axes = [np.asarray(axis, "float64") for axis in axes]
        self.marks, self.paths = dict(marks), dict(paths)
        self.projection_error = dict(projection_error)
        self.units = np.ones(len(self.axes)) if units is None else np.asarray(units, "float64")
        super().__init__(int(np.prod(self.shape)), fingerprint, description)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of coordinates on each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def coordinates(self) -> np.ndarray:
        """The coordinates of all points, float64 `(N, d)`, the last one fastest."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), -1).reshape(-1, len(self.axes))

    def __getitem__(self, name: str) -> np.ndarray:
        return super().__getitem__(name).reshape(self.shape)

    def with_values_of(self, stored: "GridEvaluation") -> Self:
        """Takes over the values of a stored result, with the marks and description of this one.

        Args:
            stored: `GridEvaluation` of the same grid.
        """
        self.done, self._values = stored.done, stored._values
        if self.done.any() and stored is not self:
            now = [] if self.complete else versions_of(self)
            self._set_versions(versions_of(stored) + now)
        return self

    def _set_versions(self, versions):
        """Records the versions used for the first points, and for later points if they differ."""
        different = [v for index, v in enumerate(versions) if v not in versions[:index]]
        if different:
            self.description["versions"] = different[0]
        if different[1:]:
            self.description["versions of later points"] = different[1:]

    def minimum(self, name: str) -> tuple[float, np.ndarray]:
        """Returns the smallest value and its coordinates.

        Args:
            name: such as `"test_error"`.

        Returns:
            `(value, coordinates)`: float and float64 array `(d,)`; NaN if no point is evaluated.
        """
        values = self[name].ravel()
        if np.isnan(values).all():
            return np.nan, np.full(len(self.axes), np.nan)
        best = int(np.nanargmin(values))
        return float(values[best]), self.coordinates[best]

    def maximum(self, name: str) -> float:
        """Returns the largest value.

        Args:
            name: such as `"test_error"`.

        Returns:
            float; NaN if no point is evaluated.
        """
        return float(np.fmax.reduce(self[name], axis=None))

    def table(self) -> str:
        """Returns the smallest and largest value of each quantity as lines of text.

        Returns:
            str.
        """
        lines = [f"{'':<24}{'Min':>12}{'Max':>12}   at its minimum"]
        for name in self.names:
            value, place = self.minimum(name)
            where = ", ".join(f"{x:.4g}" for x in place)
            lines.append(
                f"{name.replace('_', ' '):<24}{value:>12.4f}{self.maximum(name):>12.4f}   ({where})"
            )
        return "\n".join(lines)

    @property
    def lost(self) -> dict[str, np.ndarray]:
        """The old name of `projection_error`."""
        warn_renamed("`lost`", "`projection_error`")
        return self.projection_error

    def plot(self, **options: Any) -> "Figure":
        """Draws a plane as a map, a line or rays as lines.

        Args:
            **options: options of `mc_tf.plots.plot_plane`, `plot_line` or `plot_rays`, such as
                `value="test_error"` for a plane and `values=["test_error"]` for the others.

        Returns:
            matplotlib figure; write it with `mc_tf.plots.save`.

        Raises:
            ValueError: if the surface has no figure, or the grid is not complete.
        """
        from mc_tf import plots

        drawn = {"Plane": plots.plot_plane, "Line": plots.plot_line, "Rays": plots.plot_rays}
        if self.surface not in drawn:
            raise ValueError(f"There are figures of {', '.join(drawn)}. Received: {self.surface}.")
        return drawn[self.surface](self, **options)

    def _title(self):
        shape = " x ".join(map(str, self.shape))
        of = "" if self.surface == "Rays" else "a "
        return f"GridEvaluation of {of}{self.surface}: {shape} points{marked_text(self)}"

    def _positions(self):
        names = ("distance", "ray") if self.surface == "Rays" else ("x", "y", "z")
        return [dict(zip(names, place)) for place in self.coordinates]

    def _parts(self):
        names = ("surface", "axes", "marks", "paths", "projection_error", "units")
        return {name: getattr(self, name) for name in names}

    def finish(self, path: PathLike | None) -> None:
        """Writes `PATH.npz`, and its contents to `PATH.json`; does nothing if `path` is `None`."""
        if path is None:
            return
        self.save(path)
        write_json(
            f"{path}.json",
            {
                "surface": self.surface,
                "shape": list(self.shape),
                "limits": [[axis[0], axis[-1]] for axis in self.axes],
                "marks": {label: place.tolist() for label, place in self.marks.items()},
                "projection_error": {
                    label: float(errors.max()) for label, errors in self.projection_error.items()
                },
                "minimum": {name: self.minimum(name)[0] for name in self.names},
                "maximum": {name: self.maximum(name) for name in self.names},
                "description": self.description,
            },
        )

    @classmethod
    def merge(cls, path: PathLike, num_shards: int) -> Self:
        """Merges the parts written by processes with `shard=(i, num_shards)`.

        Args:
            path: file name of the whole grid, without extension.
            num_shards: number of parts.

        Returns:
            The complete `GridEvaluation`, which is also written to `PATH.npz` and `PATH.json`.

        Raises:
            FileNotFoundError: if parts are missing; the message names them.
            ValueError: if parts belong to different grids, or one is not complete.
        """
        files = [shard_path(path, (i, num_shards)) for i in range(1, num_shards + 1)]
        missing = [f"{file}.npz" for file in files if not os.path.exists(f"{file}.npz")]
        if missing:
            raise FileNotFoundError(
                f"Of {num_shards} shards {len(missing)} are missing: {', '.join(missing)}. "
                "Evaluate them first (eval_grid.py --shard=I/N)."
            )
        whole = cls.load(files[0])
        versions = versions_of(whole)
        for file in files[1:]:
            part = cls.load(file)
            if part.fingerprint != whole.fingerprint or part.inputs != whole.inputs:
                raise ValueError(
                    f"'{files[0]}.npz' and '{file}.npz' are parts of different grids: other "
                    "weights, data, metrics or points. Evaluate one of them again."
                )
            for index in np.flatnonzero(part.done):
                whole.record(index, {name: part._values[name][index] for name in part.names})
            versions += versions_of(part)
        whole._set_versions(versions)
        if not whole.complete:
            lacking = sorted({int(index) % num_shards + 1 for index in np.flatnonzero(~whole.done)})
            raise ValueError(
                f"{int((~whole.done).sum())} of {len(whole.done)} points are not evaluated, of "
                f"shards {', '.join(map(str, lacking))}. Run these again to resume them."
            )
        with output_held(path, (".npz", ".json")):
            whole.finish(path)
        return whole

    def _arrays(self):
        arrays = {f"axis:{k}": axis for k, axis in enumerate(self.axes)}
        of_labels = {"marks": self.marks, "paths": self.paths, "lost": self.projection_error}
        for kind, values in of_labels.items():
            arrays |= {f"{kind}:{key}": value for key, value in values.items()}
        return {"surface": np.array(self.surface), "units": self.units, **arrays}

    @classmethod
    def _from_arrays(cls, stored, fingerprint, description):
        parts = {"axis": {}, "marks": {}, "paths": {}, "lost": {}}
        for key in stored:
            kind, _, label = key.partition(":")
            if kind in parts and label:
                parts[kind][label] = stored[key]
        axes = [parts["axis"][str(k)] for k in range(len(parts["axis"]))]
        if not axes:
            raise KeyError("axis:0")
        return cls(
            str(stored["surface"]),
            axes,
            parts["marks"],
            parts["paths"],
            parts["lost"],
            fingerprint,
            description,
            stored["units"] if "units" in stored else None,
        )
