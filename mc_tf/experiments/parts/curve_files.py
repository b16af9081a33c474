"""Curves from files: loading, evaluation and predictions."""

import numpy as np
from keras import ops
from scipy.stats import norm

from mc_tf.curves import Segment
from mc_tf.evaluation.barrier import barrier
from mc_tf.evaluation.curves import evaluate_curve
from mc_tf.models import CurveModel
from mc_tf.posterior import GaussianLikelihood, Subspace, SubspacePosterior
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.files import write_arrays
from mc_tf.weights.compatibility import check_same_architecture


def load_curve(path):
    """Loads a curve saved by `train_curve`."""
    model = load_checkpoint(path, compile=False)
    if not isinstance(model, CurveModel):
        raise ValueError(
            f"'{path}' holds a {type(model).__name__}, not a curve. Use the `curve.keras` file of "
            "connect.py."
        )
    return model


def evaluate(on, curve_model, path, num_points=61):
    """Evaluates a curve (section 4, A.4) on data, or resumes; returns a `CurveEvaluation`."""
    on = on.compiled(curve_model)
    others = {}
    if on.data.has_validation and on.data.test_name == "test":  # besides the test part
        others["validation"] = on.data.validation_batches(on.batch_size)
    arguments = on.arguments(curve_model, path, curve=repr(curve_model.curve))
    return evaluate_curve(curve_model, num_points=num_points, extra_data=others, **arguments)


def evaluate_barrier(on, first, second, path, **options):
    """Evaluates the segment between networks in files, or resumes; options are of `barrier`."""
    network, other = (load_checkpoint(file, compile=False) for file in (first, second))
    check_same_architecture(network, other, ("first", "second"))
    on = on.compiled(network)
    on.announce(network, path)
    arguments = on.arguments(network, path) | {"verbose": on.verbose}
    return barrier(network, other, **arguments, **options)


def save_functions(curve_model, data, path, num_points=21, num_inputs=200):
    """Saves predictions of the networks along a curve, for data with one input and one output.

    Writes `x` and `y` (the training data), `grid` `(num_inputs,)`, equally spaced a fifth of the
    range beyond the data, the positions `t` `(num_points,)`, and `predictions` `(num_points,
    num_inputs)`. For a curve with one bend, and data whose noise is known, also the `mean` and the
    ends `low` and `high` of 95 % intervals, each `(num_inputs,)`, of the posterior in the plane of
    the curve: intervals of new targets, with their noise.
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
    arrays = {"x": x, "y": y, "grid": grid, "t": positions, "predictions": np.array(predictions)}
    if data.noise and len(curve_model.curve_layer.points) == 3:
        arrays |= _band(curve_model, data, grid)
    write_arrays(path, **arrays)


def _band(curve_model, data, inputs):
    posterior = SubspacePosterior(
        Subspace.of_curve(curve_model),
        data.train_eval_batches(),
        GaussianLikelihood(noise=data.noise),
        batch_norm_data=data.batch_norm_data(),
    )
    samples = posterior.slice_sample(50, burn_in=30, chains=4, thin=3, verbose=0)
    ensemble = samples.ensemble(output="regression", verbose=0)
    predictions = ensemble.member_predictions(inputs[:, None])[..., 0]
    mean = predictions.mean(0)
    half = norm.ppf(0.975) * np.sqrt(predictions.var(0) + data.noise**2)
    return {"mean": mean, "low": mean - half, "high": mean + half}


def random_segment(curve_model, seed=0):
    """Creates a segment in a random direction, of the length between the curve's endpoints."""
    start, end = (
        ops.convert_to_numpy(curve_model.curve_layer.flat_weights_at(t)).astype("float64")
        for t in (0.0, 1.0)
    )
    direction = np.random.default_rng(seed).normal(size=start.shape)
    direction *= np.linalg.norm(end - start) / np.linalg.norm(direction)
    made = CurveModel(curve_model.network, Segment())
    made.curve_layer.set_point(0, start)
    made.curve_layer.set_point(-1, start + direction)
    return made
