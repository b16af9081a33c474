"""Ensembles of two networks on a curve, against the distance between them (figure 2, right)."""

import numpy as np
from keras import ops

from mc_tf.curves import Segment
from mc_tf.ensemble import Ensemble, score
from mc_tf.ensemble.member_outputs import member_outputs
from mc_tf.models import CurveModel
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_arrays
from mc_tf.training.checks import check_classes
from mc_tf.training.networks import announcement, check_fits

__all__ = ["evaluate_pairs", "random_segment"]


@holding("path", ".npz")
def evaluate_pairs(
    curve_model, data, path, *, num_points=21, batch_size=500, num_train=None, verbose=1
):
    """Computes errors of the networks `phi(t)`, and of the ensembles of `phi(0)` and `phi(t)`.

    Args:
        curve_model: `CurveModel` whose network outputs logits.
        data: data set from `mc_tf.data.load`.
        path: result file without extension: `PATH.npz` has `t`, `single_error` and `pair_error` in
            percent, and `single_loss` and `pair_loss`. Predictions are stored in
            `PATH-predictions`, so that the same call can be resumed.
        num_points: number of equally spaced positions, default 21.
        batch_size: examples per batch, default 500.
        num_train: number of training examples for batch normalization statistics. Default: all.
        verbose: 1 for a progress bar.

    Returns:
        dict of float64 arrays `(num_points,)`.

    Raises:
        ValueError, OSError: if the data does not match the network, or a file cannot be written.
    """
    check_fits(curve_model.network, data)
    check_classes(data, "Ensembles of two networks", "it")
    if verbose:
        print(announcement(curve_model, data, f"{path}.npz"), flush=True)
    ensemble = Ensemble.from_curve(curve_model, num_points, output="logits")
    ensemble.update_batch_norm(
        data.batch_norm_data(batch_size, num_examples=num_train), verbose=verbose
    )
    found = {name: [] for name in ("single_error", "single_loss", "pair_error", "pair_loss")}
    first = None
    test = data.test_batches(batch_size)
    for _, rows, targets in member_outputs(
        ensemble, test, f"{path}-predictions", batch_size, verbose
    ):
        probabilities = ensemble.output_spec.predictions(rows)
        first = probabilities if first is None else first
        for name, predicted in (("single", probabilities), ("pair", (first + probabilities) / 2)):
            scores = score(predicted, targets.labels)
            found[f"{name}_error"].append(scores["error"])
            found[f"{name}_loss"].append(scores["loss"])
    result = {"t": np.linspace(0, 1, num_points), **{k: np.array(v) for k, v in found.items()}}
    write_arrays(f"{path}.npz", **result)
    return result


def random_segment(curve_model, seed=0):
    """Creates a segment in a random direction, of the length between the curve's endpoints.

    Args:
        curve_model: `CurveModel`; its network is reused, its weights are not changed.
        seed: integer.

    Returns:
        `CurveModel` with a `Segment`.
    """
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
