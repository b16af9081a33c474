"""Loss and metrics along a curve (section 4 and A.4 of the paper)."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.deprecation import renamed_arguments
from mc_tf.evaluation.data import EvaluationData
from mc_tf.evaluation.metric_directions import directions_of
from mc_tf.evaluation.points import PointEvaluator
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.evaluation.running import evaluate_points, fingerprint
from mc_tf.models import CurveModel
from mc_tf.models.joined import join_curve_layers
from mc_tf.storage.destinations import holding
from mc_tf.typing import ArrayLike, Data, PathLike
from mc_tf.warning import warn
from mc_tf.weights.compatibility import check_finite

__all__ = ["evaluate_curve"]


@renamed_arguments(others="extra_data", statistics="batch_norm_data")
@holding("path", ".npz", ".json")
def evaluate_curve(
    curve_model: keras.Model,
    train: Data,
    test: Data,
    num_points: int = 61,
    path: PathLike | None = None,
    batch_size: int = 500,
    description: dict[str, Any] | None = None,
    verbose: int | str = 1,
    extra_data: dict[str, Data] | None = None,
    batch_norm_data: Data | None = None,
    weights_at: Callable[[float], ArrayLike] | None = None,
) -> CurveEvaluation:
    """Evaluates the networks along a curve on training and test data.

    At each of `num_points` equally spaced positions the batch normalization statistics are
    re-estimated (section A.2), and the loss and all compiled metrics are computed on both data
    sets. Recurrent state is carried over from batch to batch and reset between passes. Each device
    and each process of the model's `tf.distribute` strategy evaluates a share of the positions; all
    processes must call this function, and all get the result.

    Args:
        curve_model: a compiled `CurveModel`, or a compiled functional or sequential network of
            curve layers that share one curve. It is not changed.
        train, test: each a finite `tf.data.Dataset` of batches, a `PyDataset`, or arrays
            `(x, y)` such as numpy or pandas. Every pass must yield the same
            data; up to 2 GiB of batches per data set are cached in memory. The first batch of each
            data set runs before the evaluation, so that data of the wrong shape fails early.
        num_points: number of positions, endpoints included; 61 by default, 121 for the grid of
            the paper.
        path: file name without extension; its directory is created. `PATH.npz` is written during
            the evaluation and `PATH.json` with the summary at the end. The same call resumes an
            interrupted evaluation. Changed data is rejected if a quick check detects it: of arrays
            the first and last examples and all labels, of pipelines the number of batches.
        batch_size: examples per batch, for arrays only. Default 500.
        description: dict of further information to record in the files (data set, command, seed). A
            file with another description is not resumed.
        verbose: 1 for a progress bar, 0 for silence, or a line to print before the bar.
        extra_data: dict of further data sets by name, such as `{"validation": validation}`, whose
            values are named `validation_loss` and so on. The names `train` and `test` are reserved.
        batch_norm_data: data set for re-estimating batch normalization statistics: the training
            data as seen in training. Default: `train`. If training augments, pass one epoch of
            augmented data.
        weights_at: function from a position to weights `(P,)` that are evaluated there instead of
            the curve's, such as repaired ones. A resumed file is not compared with it: say what it
            does in `description`. Default: the weights of the curve.

    Returns:
        `CurveEvaluation` with an array of shape `(num_points,)` for each of `train_loss`,
        `test_loss` (including regularization terms), `train_error`, `test_error` (percent, if an
        accuracy is compiled), `train_METRIC`, `test_METRIC` and `regularization`. Metrics with one
        value per class, such as `F1Score()`, are named `test_f1_score[0]` and so on. It also has
        Min / Int / Mean / Max of each, barrier heights, length and length ratio. Warns if a curve
        with bends has hardly left the segment.

    Raises:
        ValueError: if the model is not compiled, `num_points` is below 2, a data set is empty,
            infinite, can be read only once or has no labels, a name in `extra_data` is reserved, or
            `path` contains results of another evaluation.
        OSError: if the directory of `path` cannot be created or written to.
    """
    if isinstance(curve_model, keras.Model) and not isinstance(curve_model, CurveModel):
        curve_model = join_curve_layers(curve_model)
    if not isinstance(curve_model, CurveModel):
        raise ValueError(
            "`curve_model` must be a `CurveModel`, as `connect` returns it. Received: "
            f"{curve_model!r}"
        )
    if not getattr(curve_model, "compiled", False):
        raise ValueError(
            "The curve model is not compiled: call `curve_model.compile(loss=..., metrics=...)` "
            "first, to choose what to evaluate."
        )
    check_finite(curve_model.curve_layer.points, "curve")
    check_counts(low=2, high=10**7, num_points=num_points)
    check_counts(batch_size=batch_size)
    data = EvaluationData(train, test, extra_data, batch_norm_data).needed_by(curve_model)
    grid = np.linspace(0, 1, num_points)
    print_of = fingerprint(curve_model, num_points, description)
    result = CurveEvaluation(grid, print_of, description)
    result.inputs = data.fingerprint()
    result = result.resumed(path)
    if isinstance(verbose, str):
        print(verbose, flush=True)
    result.set_geometry(
        curve_model.arc_lengths(grid),
        curve_model.length(),
        curve_model.length_ratio(),
        curve_model.curve.bend_positions,
    )
    if not result.complete:
        evaluator = PointEvaluator(curve_model, batch_size, weights_at)
        data = data.kept(batch_size)
        names = evaluator.check(grid[0], data)
        result.higher_is_better = directions_of(curve_model, ["regularization", *names])
        several = evaluator.several(data, num_points)
        evaluate_points(
            result, grid, lambda t: evaluator(t, data), path, verbose=verbose, several=several
        )
    result.finish(path)
    if curve_model.curve.num_bends and result.is_unbent():
        warn(
            f"{curve_model.curve} is as long as the segment ({result.length_ratio:.2f} times) and "
            "has a barrier: its bends have hardly moved. Train it for longer, or with a larger "
            "learning rate."
        )
    return result
