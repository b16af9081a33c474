"""Loss and metrics on a grid of a line, a plane or rays (figures 1, 4 and 5 of the paper)."""

import importlib
import platform
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from mc_tf import version
from mc_tf.arguments import check_counts, check_kind, check_network
from mc_tf.backend.batches import Batches, KeptBatches, data_fingerprint
from mc_tf.backend.keras_internals import scope_of
from mc_tf.backend.precision import computes_in_bfloat16
from mc_tf.deprecation import renamed_arguments
from mc_tf.evaluation.data import EvaluationData
from mc_tf.evaluation.points import PointEvaluator
from mc_tf.evaluation.running import evaluate_points, fingerprint
from mc_tf.landscape.hessian import DEFAULTS, HessianProducts
from mc_tf.landscape.results import GridEvaluation
from mc_tf.landscape.shards import shard_path
from mc_tf.landscape.surface import Surface
from mc_tf.storage.destinations import holding
from mc_tf.typing import ArrayLike, Data, PathLike

__all__ = ["evaluate_grid"]


@renamed_arguments(others="extra_data", statistics="batch_norm_data")
@holding("path", ".npz", ".json", part=lambda path, given: shard_path(path, given["shard"]))
def evaluate_grid(
    model: keras.Model | None,
    surface: Surface,
    train: Data,
    test: Data,
    shape: int | Sequence[int] = 21,
    margin: float = 0.2,
    limits: ArrayLike | None = None,
    path: PathLike | None = None,
    batch_size: int = 500,
    shard: tuple[int, int] | None = None,
    description: dict[str, Any] | None = None,
    verbose: int | str = 1,
    extra_data: dict[str, Data] | None = None,
    eigenvalues: Data | bool | None = None,
    eigenvalue_options: dict[str, Any] | None = None,
    notes: dict[str, Any] | None = None,
    batch_norm_data: Data | None = None,
) -> GridEvaluation:
    """Evaluates the networks on a grid of a surface on training and test data.

    As for a curve, batch normalization statistics are re-estimated at each point, and the loss
    (with the L2 term at that point) and all compiled metrics are computed on both data sets.
    Devices and processes of the model's strategy share the points, as in `evaluate_curve`.

    Args:
        model: a compiled Keras model of the surface's architecture; `None` for the model of the
            surface. It is not changed.
        surface: `Line`, `Plane` or `Rays`.
        train, test: each a finite `tf.data.Dataset` of batches, a `PyDataset`, or arrays `(x, y)`.
            Every pass must yield the same data. For a fine grid, a few thousand examples are enough
            to show its structure.
        shape: number of points on each axis, an integer or one per axis. Default 21.
        margin: margin around the marks, relative to their extent.
        limits: `(low, high)` for each axis, instead of a margin.
        path: file name without extension; its directory is created. `PATH.npz` is written during
            the evaluation and `PATH.json` with a summary at the end. The same call resumes an
            interrupted evaluation.
        batch_size: examples per batch, for arrays only. Default 500.
        shard: `(i, n)`: evaluate only the `i`-th of `n` parts, `i` from 1, and write
            `PATH-i-of-n.npz`; `GridEvaluation.merge(path, n)` merges them.
        description: dict of other settings that the values depend on (data, seed), recorded in the
            files. Results with another description are not resumed.
        verbose: 1 for a progress bar, 0 for silence, or a line to print before the bar.
        extra_data: dict of further data sets by name, as in `evaluate_curve`.
        eigenvalues: `True` to also compute the largest and smallest Hessian eigenvalue of the
            training loss at each point (see `hessian_eigenvalues`), which takes 30 to 100 passes
            over the training data; or a smaller data set to use instead.
        eigenvalue_options: dict of `tolerance` and `max_iterations`, see `hessian_eigenvalues`.
        notes: dict of further information to record, such as the files of the networks. Notes may
            change between calls: the weights identify the surface.
        batch_norm_data: data set for batch normalization statistics, as in `evaluate_curve`.

    Returns:
        `GridEvaluation` with an array of the shape of the grid for each of `train_loss`,
        `test_loss`, `train_error`, `test_error` (percent, if an accuracy is compiled),
        `train_METRIC`, `test_METRIC` and `regularization`; with `eigenvalues` also
        `train_largest_eigenvalue`, `train_smallest_eigenvalue` and `train_eigenvalue_ratio`, the
        map of Li et al. (2018, section 6).

    Raises:
        ValueError: if the model is not compiled or does not match the surface, the shape or the
            shard is invalid, or `path` contains results of another grid.
        OSError: if the directory of `path` cannot be created or written to.
    """
    if model is not None:
        check_network("model", model)
    check_kind("surface", surface, Surface, "a `Line`, `Plane` or `Rays`")
    check_counts(batch_size=batch_size)
    with scope_of(model):
        curve_model = surface.model(model)
    if not curve_model.compiled:
        raise ValueError(
            "The model is not compiled: call `model.compile(loss=..., metrics=...)` first, to "
            "choose what to evaluate."
        )
    limits = {} if limits is None else {"limits": limits}
    axes = surface.axes(shape, margin, **limits)
    data = EvaluationData(train, test, extra_data, batch_norm_data).needed_by(curve_model)
    with_eigenvalues = eigenvalues is not None and eigenvalues is not False
    if with_eigenvalues and eigenvalues is not True:
        Batches(eigenvalues, role="eigenvalues")
    # Rounded, since rounding errors that depend on the machine do not matter.
    parts = [[[float(f"{x:.9g}") for x in axis] for axis in axes], description]
    parts += sorted(extra_data or ())
    if with_eigenvalues:
        parts.append("eigenvalues" if eigenvalues is True else "eigenvalues of other data")
        parts += sorted(set((eigenvalue_options or {}).items()) - set(DEFAULTS.items()))
    print_of = fingerprint(curve_model, *parts)
    result = GridEvaluation(
        type(surface).__name__,
        axes,
        surface.marks,
        surface.paths,
        surface.projection_error,
        print_of,
        {**(description or {}), **(notes or {}), "versions": _versions()},
        surface.units,
    )
    result.inputs = f"{type(surface).__name__} {data.fingerprint()}"
    if with_eigenvalues and eigenvalues is not True:
        result.inputs += f" eigenvalues: {data_fingerprint(eigenvalues)}"
    indices = _shard_indices(len(result.done), shard)
    path = shard_path(path, shard)
    result = result.with_values_of(result.resumed(path))
    if isinstance(verbose, str):
        print(verbose, flush=True)
    if not result.done[indices].all():
        evaluator = PointEvaluator(curve_model, batch_size)
        positions = surface.coefficients(result.coordinates)
        data = data.kept(batch_size)
        evaluator.check(positions[0], data)
        measures = []
        if with_eigenvalues:
            of = data.train
            if eigenvalues is not True:
                of = KeptBatches(eigenvalues, batch_size, role="eigenvalues")
                of.first()
            measures.append(HessianProducts(evaluator, of, **(eigenvalue_options or {})))
        evaluate_points(
            result,
            positions,
            lambda c: evaluator(c, data, measures),
            path,
            indices,
            verbose,
            None if measures else evaluator.several(data, len(positions)),
        )
    if shard is None:
        result.finish(path)
    return result


def _shard_indices(size, shard):
    """Indices of the points of a shard: every n-th, so that all shards take equally long."""
    if shard is None:
        return np.arange(size)
    check_kind("shard", shard, (tuple, list), "a part, (i, n)")
    if len(shard) != 2:
        raise ValueError(f"`shard` must be (i, n), the i-th of n parts. Received: {shard!r}")
    number, count = shard
    check_counts(low=0, **{"shard[0]": number, "shard[1]": count})
    if not 1 <= number <= count <= size:
        raise ValueError(
            f"A shard is (i, n) with 1 <= i <= n <= {size}, the number of points. Received: {shard}"
        )
    return np.arange(number - 1, size, count)


def _versions():

    backend = keras.backend.backend()
    versions = {
        "mc_tf": version.__version__,
        "keras": keras.__version__,
        "backend": backend,
        backend: importlib.import_module(backend).__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    return versions | ({"precision": "bfloat16"} if computes_in_bfloat16() else {})
