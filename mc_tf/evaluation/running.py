"""Evaluations of many points: their fingerprint, and the loop that saves and resumes."""

import hashlib
import json
import sys
import time

import numpy as np
import tqdm
from keras import ops

from mc_tf.backend.keras_internals import layers_within, own_weights
from mc_tf.backend.precision import computes_in_bfloat16
from mc_tf.distribute.processes import gathered, is_chief, place

__all__ = ["evaluate_points", "fingerprint"]

_SAVING_SHARE = 0.02  # of the time; if saving takes longer, several points are saved at once


def evaluate_points(result, positions, measure, path=None, indices=None, verbose=1, several=None):
    """Evaluates the missing points of a result and saves them along the way.

    The file is written after each point, or, if writing is slow, less often, so that it takes 2 %
    of the time. Of several processes, each evaluates a share, and the first writes.

    Args:
        result: `PointResults`.
        positions: array with one position of the curve model per point of the result.
        measure: function from a position to a dict of floats.
        path: file name without extension, or `None`.
        indices: indices of the points to evaluate. Default: all.
        verbose: 1 for a progress bar, 0 for silence.
        several: `SeveralPoints`, or `None`: one point after the other.
    """
    wanted = np.arange(len(result.done)) if indices is None else np.asarray(indices)
    missing = wanted[~result.done[wanted]]
    (process, processes), size = place(), several.size if several else 1
    cost, saved_at = 0.0, -np.inf
    with tqdm.tqdm(
        total=len(wanted),
        initial=len(wanted) - len(missing),
        disable=not (verbose and is_chief()),
        unit=" point",
        mininterval=0.1 if sys.stderr.isatty() else 30,  # few lines in a log file
    ) as bar:
        try:
            for start in range(0, len(missing), processes * size):
                chunk = missing[start : start + processes * size]
                own = chunk[process::processes]
                logs = several(positions[own]) if several and len(own) else [None] * len(own)
                logs = [one or measure(positions[k]) for k, one in zip(own, logs)]
                for index, values in enumerate(gathered(logs)):
                    for k, one in zip(chunk[index::processes], values):
                        result.record(k, one)
                begun = time.monotonic()
                if begun - saved_at >= cost / _SAVING_SHARE:
                    result.save(path)
                    saved_at = time.monotonic()
                    cost = saved_at - begun
                bar.update(len(chunk))
        finally:  # also when interrupted
            if result.done[missing].any():
                result.save(path)


def fingerprint(curve_model, *rest):
    """Fingerprint of an evaluation: weights, compiled loss and metrics, precision, and more.

    Args:
        curve_model: compiled `CurveModel`.
        *rest: further values, such as positions and a description, identified by their `repr`.

    Returns:
        str.
    """
    digest = hashlib.sha256()
    layer = curve_model.curve_layer
    created = [v for part in layers_within(layer.layer) for v in own_weights(part)]
    frozen = [layer.state_copy(v) for v in created if not v.trainable]
    for variable in (*layer.points, *frozen):
        digest.update(np.ascontiguousarray(ops.convert_to_numpy(variable)).tobytes())
    try:
        compiled_with = dict(curve_model.get_compile_config() or {})
    except (TypeError, ValueError, NotImplementedError):  # a loss that cannot be serialized
        compiled_with = {}
    parts = [
        repr(curve_model.curve),
        {key: compiled_with.get(key) for key in ("loss", "loss_weights", "metrics")},
        *rest,
        *["bfloat16"][: computes_in_bfloat16()],
    ]
    digest.update(json.dumps(parts, default=repr, sort_keys=True).encode())
    return digest.hexdigest()
