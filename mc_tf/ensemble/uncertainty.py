"""How uncertain an ensemble is of each prediction, on data with or without labels."""

import dataclasses

import numpy as np

from mc_tf.ensemble.labels import read_targets
from mc_tf.ensemble.member_outputs import check_outputs, raw_outputs
from mc_tf.ensemble.value_scores import Moments
from mc_tf.metrics.class_arrays import class_probabilities
from mc_tf.metrics.entropy import predictive_entropy

__all__ = ["of_predictions", "uncertainty_on"]


def of_predictions(probabilities, information, multilabel=False):
    """Returns measures of uncertainty by name; all are larger for more uncertain predictions.

    Args:
        probabilities: array `(R, C)`, or `(R, L)` for multilabel outputs.
        information: mutual information `(R,)`, or `(R, L)`; None if it is unknown.
        multilabel: whether the columns are independent labels of one prediction. Entropies of
            independent labels add up, and their probabilities multiply.

    Returns:
        dict of float64 arrays `(R,)`: `max_probability`, the negative of the probability of the
        most probable class (or combination of labels), `entropy` and `mutual_information`.
    """
    classes = class_probabilities(probabilities[..., None] if multilabel else probabilities)
    largest, entropy = classes.max(-1), predictive_entropy(classes)
    if multilabel:
        largest, entropy = largest.prod(-1), entropy.sum(-1)
        information = None if information is None else information.sum(-1)
    measures = {"max_probability": -largest, "entropy": entropy}
    return measures if information is None else measures | {"mutual_information": information}


def uncertainty_on(ensemble, data, batch_size, verbose, role):
    """Measures of uncertainty on data whose labels, if any, are ignored.

    Args:
        ensemble: `Ensemble` or `MemberFiles`; one member's outputs are in memory at a time.
        data, batch_size, verbose: as for `evaluate_members`.
        role: name of the data in messages.

    Returns:
        dict of float64 arrays `(R,)`, as from `of_predictions`, without masked positions; for a
        regression `variance` `(R * D,)`, the variance of each value over the members.
    """
    spec = dataclasses.replace(ensemble.output_spec, ignore_class=None)
    total, entropy, moments = 0.0, 0.0, Moments()
    outputs = raw_outputs(ensemble, data, None, batch_size, verbose, labeled=False, role=role)
    for m, raw, given in outputs:
        if not m:
            unlabeled = np.zeros(_labels_shape(spec, raw.shape), "int64")
            targets = read_targets(spec, raw.shape, unlabeled, mask=given["mask"])
        rows = targets.of(spec.rows(raw))
        check_outputs(spec, rows, m, data, batch_size, role)
        predictions = spec.predictions(rows, float(ensemble.temperatures[m]))
        if spec.kind == "regression":
            moments.add(predictions)
        else:
            total = total + predictions
            entropy = entropy + predictive_entropy(predictions)
    if spec.kind == "regression":
        return {"variance": moments.variance.reshape(-1)}
    mean = total / ensemble.num_members
    information = np.maximum(predictive_entropy(mean) - entropy / ensemble.num_members, 0)
    if spec.multilabel:
        columns = (-1, targets.num_labels)
        mean, information = mean[:, 1].reshape(columns), information.reshape(columns)
    return of_predictions(mean, information, spec.multilabel)


def _labels_shape(spec, shape):
    """Shape of integer labels for outputs of a shape."""
    axis = spec.class_axis_of(shape) if spec.exclusive else None
    return shape if axis is None else (*shape[:axis], *shape[axis + 1 :])
