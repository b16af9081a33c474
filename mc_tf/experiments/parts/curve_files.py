"""Curves from files: loading, evaluation and predictions."""

import numpy as np
from keras import ops

from mc_tf.curves import make_curve
from mc_tf.evaluation.curves import evaluate_curve
from mc_tf.models import CurveModel
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.files import write_arrays
from mc_tf.training.networks import announcement, check_fits, compile_for, fixed_batch_size

__all__ = [
    "evaluate",
    "load_curve",
    "make_curve",
    "save_functions",
]


def load_curve(path):
    """Loads a curve saved by `train_curve`.

    Args:
        path: `.keras` file.

    Returns:
        `CurveModel`.

    Raises:
        FileNotFoundError, ValueError: if it does not exist, is damaged, or is not a curve.
    """
    model = load_checkpoint(path, compile=False)
    if not isinstance(model, CurveModel):
        raise ValueError(
            f"'{path}' holds a {type(model).__name__}, not a curve. Use the `curve.keras` file of "
            "connect.py."
        )
    return model


def evaluate(curve_model, data, path, *, num_points=61, batch_size=500, num_train=None, verbose=1):
    """Evaluates a curve (section 4, A.4) on a data set, or resumes the evaluation.

    Args:
        curve_model: `CurveModel`.
        data: data set from `mc_tf.data.load`.
        path: result files without extension.
        num_points: number of positions, 61 by default.
        batch_size: examples per batch, default 500; stateful networks have a fixed batch size.
        num_train: number of training examples to use. Default: all.
        verbose: 1 for a progress bar.

    Returns:
        `CurveEvaluation`.

    Raises:
        ValueError: if the data set does not fit the network, or as `evaluate_curve`.
    """
    check_fits(curve_model.network, data)
    compile_for(curve_model, data)
    batch_size = fixed_batch_size(curve_model) or batch_size
    others = {}
    if data.has_validation and data.test_name == "test":  # a separate part, besides the test part
        others["validation"] = data.validation_batches(batch_size)
    return evaluate_curve(
        curve_model,
        data.train_eval_batches(batch_size, num_examples=num_train),
        data.test_batches(batch_size),
        num_points=num_points,
        path=path,
        description={
            **data.settings,
            "curve": repr(curve_model.curve),
            "train_examples": num_train or data.num_train,
            "test_examples": data.num_test,
        },
        verbose=verbose and announcement(curve_model, data, f"{path}.npz"),
        extra_data=others,
        batch_norm_data=data.batch_norm_data(batch_size, num_examples=num_train),
    )


def save_functions(curve_model, data, path, num_points=21, num_inputs=200):
    """Computes predictions of the networks along a curve, for data with one input.

    Args:
        curve_model: `CurveModel` of a network with one input and one output.
        data: data set of a regression with one input.
        path: `.npz` file for `x` and `y` (the training data), `grid` `(num_inputs,)`, `t`
            `(num_points,)` and `predictions` `(num_points, num_inputs)`.
        num_points: number of equally spaced positions, default 21.
        num_inputs: number of equally spaced inputs, extending a fifth of the range beyond the data.
    """
    batches = data.train_eval_batches().as_numpy_iterator()
    x, y = (np.concatenate(part)[:, 0] for part in zip(*batches))
    beyond = 0.2 * np.ptp(x)
    grid = np.linspace(x.min() - beyond, x.max() + beyond, num_inputs, dtype="float32")
    positions = np.linspace(0, 1, num_points)
    predictions = [
        ops.convert_to_numpy(curve_model(grid[:, None], t=t, training=False))[:, 0]
        for t in positions
    ]
    write_arrays(path, x=x, y=y, grid=grid, t=positions, predictions=np.array(predictions))
