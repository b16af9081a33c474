"""Compares mean predictions with the prediction of mean weights (arXiv 1803.05407, 3.5)."""

import numpy as np

from mc_tf.batch_norm.update import has_batch_norm
from mc_tf.ensemble import Ensemble
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_arrays
from mc_tf.training.networks import announcement, check_fits

__all__ = ["SCALES", "evaluate_mean_prediction"]

SCALES = (1.0, 0.5, 0.25, 0.125)


@holding("path", ".npz")
def evaluate_mean_prediction(
    ensemble, data, path, *, scales=SCALES, num_train=None, batch_size=500, verbose=1
):
    """Measures the approximation of an ensemble by mean weights, depending on its spread.

    For members at a distance of order `D` from their mean, a member's predictions differ from the
    prediction of the mean weights by `O(D)`, but the mean prediction only by `O(D ** 2)`. Therefore
    weight averaging approximates fast geometric ensembling. To show both orders, members are scaled
    towards their mean: `mean + scale * (member - mean)`.

    Args:
        ensemble: `Ensemble` of at least two networks.
        data: data set from `mc_tf.data.load`; its test (or held-out) part is predicted.
        path: result file without extension: `PATH.npz` with the returned arrays.
        scales: numbers in (0, 1], default 1, 1/2, 1/4, 1/8.
        num_train: number of training examples for batch normalization statistics. Default: all.
        batch_size: examples per batch, default 500.
        verbose: 1 for a progress bar.

    Returns:
        dict of float64 arrays, one entry per scale: `scale`; `distance`, the root mean square
        distance of the members from their mean in weight space; `member_difference` and
        `mean_difference`, root mean square differences, over examples and classes, of a member's
        and of the mean prediction from the prediction of the mean weights.

    Raises:
        ValueError: if there is only one member, a scale is invalid, or the data does not match.
        OSError: if the file cannot be written.
    """
    scales = np.asarray(scales, "float64")
    if ensemble.num_members < 2:
        raise ValueError("A mean needs at least two members. Received: 1.")
    if scales.ndim != 1 or not scales.size or not ((scales > 0) & (scales <= 1)).all():
        raise ValueError(f"`scales` must be numbers in (0, 1]. Received: {scales.tolist()}")
    check_fits(ensemble.model, data)
    if verbose:
        print(announcement(ensemble.model, data, f"{path}.npz"), flush=True)
    members = ensemble.members.astype("float64")
    mean = members.mean(0)
    distance = np.sqrt(np.square(members - mean).sum(1).mean())
    statistics = data.batch_norm_data(batch_size, num_examples=num_train)

    def predictions(weights):
        made = Ensemble(ensemble.model, weights.astype("float32"), ensemble.output_spec)
        if has_batch_norm(made.model):
            made.update_batch_norm(statistics, verbose=verbose)
        return made.member_predictions(data.test_batches(batch_size)).astype("float64")

    (at_mean,) = predictions(mean[None])
    found = {"scale": scales, "distance": scales * distance}
    rows = []
    for scale in scales:
        each = predictions(mean + scale * (members - mean))
        rows.append([_size(each - at_mean), _size(each.mean(0) - at_mean)])
    found["member_difference"], found["mean_difference"] = np.array(rows).T
    write_arrays(f"{path}.npz", **found)
    return found


def _size(difference):
    return np.sqrt(np.square(difference).mean())
