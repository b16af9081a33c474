"""The curves of an experiment by name, from their files, and along their length."""

from mc_tf.callbacks.checkpoint import load_checkpoint
from mc_tf.curves import Bezier, PolyChain, Segment
from mc_tf.evaluation import evaluate_curve
from mc_tf.models import CurveModel
from mc_tf.training import check_fits, compile_classifier

__all__ = ["CURVES", "evaluate", "load_curve", "make_curve"]

CURVES = ("segment", "bezier", "polychain")


def make_curve(name, num_bends=1):
    """The curve with a given name.

    Args:
        name: `"bezier"`, `"polychain"` or `"segment"`.
        num_bends: number of bends; a segment has none, whatever it is.

    Returns:
        `Curve`.

    Raises:
        ValueError: if there is no such curve or the number is negative.
    """
    families = {"bezier": Bezier, "polychain": PolyChain}
    if name == "segment":
        return Segment()
    if name not in families:
        raise ValueError(f"Unknown curve '{name}'. Choose one of: {', '.join(CURVES)}.")
    return families[name](num_bends)


def load_curve(path):
    """Loads a curve that `train_curve` saved.

    Args:
        path: `.keras` file.

    Returns:
        `CurveModel`.

    Raises:
        FileNotFoundError, ValueError: if it is not there, damaged, or not a curve.
    """
    model = load_checkpoint(path, compile=False)
    if not isinstance(model, CurveModel):
        raise ValueError(
            f"'{path}' holds a {type(model).__name__}, not a curve. Give the `curve.keras` file "
            "that connect.py wrote."
        )
    return model


def evaluate(curve_model, data, path, *, num_points=61, batch_size=500, num_train=None, verbose=1):
    """Evaluates a curve (section 4, A.4) on a data set, or goes on where that was stopped.

    Args:
        curve_model: `CurveModel`.
        data: data set from `mc_tf.data.load`.
        path: result files without ending.
        num_points: positions, 61 by default.
        batch_size: examples a batch, default 500.
        num_train: use so many of the training examples only. Default: all.
        verbose: 1 for a progress bar.

    Returns:
        `CurveEvaluation`.

    Raises:
        ValueError: if the data set does not fit the network, or as `evaluate_curve`.
    """
    check_fits(curve_model.network, data)
    compile_classifier(curve_model)
    return evaluate_curve(
        curve_model,
        data.train_eval_batches(batch_size, num_examples=num_train).cache(),
        data.test_batches(batch_size).cache(),
        num_points=num_points,
        path=path,
        description={
            "data": data.name,
            "test": data.test_name,
            "curve": repr(curve_model.curve),
            "train_examples": num_train or data.num_train,
            "test_examples": data.num_test,
        },
        verbose=verbose,
    )
