"""Ensembles on corrupted data and out of distribution."""

import dataclasses
import functools

import numpy as np

from mc_tf.data.corruptions import CORRUPTIONS, read_corruption
from mc_tf.data.images import ImageData
from mc_tf.ensemble import evaluate_members, evaluate_out_of_distribution, score
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_arrays

_STRENGTHS = (1, 2, 3, 4, 5)


def check_images(data, what):
    """Rejects data other than images in memory.

    Args:
        data: data set from `mc_tf.data.load`.
        what: the use of the data, for the message.

    Raises:
        ValueError: naming the data set.
    """
    if not isinstance(data, ImageData):
        raise ValueError(
            f"{what} is for images in memory, such as digits, mnist and cifar10, not for "
            f"the data set '{data.name}'. Leave it out."
        )


def corrupted_data(on, text):
    """Returns `OnData` whose test images are corrupted, by `KIND:STRENGTH`."""
    check_images(on.data, f"The corruption {text}")
    return dataclasses.replace(on, data=on.data.corrupted(*read_corruption(text)))


@holding("path", ".npz")
def evaluate_corrupted(on, ensemble, path, num_examples=None):
    """Scores a classifier on corrupted test images, of all kinds and strengths.

    Predictions are stored in `PATH-predictions`, so that the same call can be resumed.

    Args:
        on: `OnData` of images.
        ensemble: `Ensemble` or `MemberFiles`.
        path: path of the result without extension.
        num_examples: number of test images. Default: all.

    Returns:
        dict of float64 arrays `(kinds, strengths)`, as in `PATH.npz`: the scores of
        `mc_tf.ensemble.score`, such as `error`; the names of the `corruption` `(kinds,)`, and the
        `strength` `(strengths,)`.
    """
    check_images(on.data, "Corrupting")
    data = on.data.first(None, num_examples)
    shape = (len(CORRUPTIONS), len(_STRENGTHS), data.num_test, -1)
    every = [data.corrupted(kind, strength) for kind in CORRUPTIONS for strength in _STRENGTHS]
    batches = functools.reduce(
        lambda before, one: before.concatenate(one.test_batches(on.batch_size)),
        every[1:],
        every[0].test_batches(on.batch_size),
    )
    cache = f"{path}-predictions"
    result = evaluate_members(ensemble, batches, cache, on.batch_size, on.verbose)
    predictions = result.predictions.reshape(shape)
    labels = result.labels.reshape(shape[:3])
    scores = [[score(*each) for each in zip(*kind)] for kind in zip(predictions, labels)]
    columns = {
        name: np.array([[each[name] for each in of_kind] for of_kind in scores])
        for name in scores[0][0]
    }
    columns |= {"corruption": np.array(CORRUPTIONS), "strength": np.array(_STRENGTHS)}
    write_arrays(f"{path}.npz", **columns)
    return columns


@holding("path", ".npz")
def evaluate_outside(on, ensemble, result, other, path, num_examples=None):
    """Evaluates an ensemble out of distribution, on the test images of another data set.

    Args:
        on: `OnData` of images.
        ensemble: `Ensemble` or `MemberFiles`.
        result: its `EnsembleEvaluation` on the test data.
        other: the other data set.
        path: path of the result `PATH.npz` without extension.
        num_examples: number of images of the other data set. Default: all.

    Returns:
        `OutOfDistributionEvaluation`.
    """
    for data in (on.data, other):
        check_images(data, "An evaluation out of distribution")
    images = on.data.inputs_from(other, num_examples)
    outside = evaluate_out_of_distribution(ensemble, result, images, on.batch_size, on.verbose)
    outside.save(f"{path}.npz")
    return outside
