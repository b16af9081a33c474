"""The members' outputs on a data set, one member at a time, with the labels."""

import sys

import numpy as np
import tqdm
from keras import ops

from mc_tf.arguments import check_path
from mc_tf.backend import ops as backend
from mc_tf.backend.batches import Batches
from mc_tf.backend.keras_internals import mask_of
from mc_tf.ensemble.labels import read_targets, the_one
from mc_tf.ensemble.prediction_cache import PredictionCache, member_fingerprint
from mc_tf.storage.destinations import directory_held

__all__ = ["check_outputs", "member_outputs", "raw_outputs"]


def member_outputs(ensemble, dataset, cache=None, batch_size=500, verbose=1, whole=False):
    """Yields the outputs of each member on a data set.

    Args:
        ensemble, dataset, cache, batch_size, verbose: as for `evaluate_members`.
        whole: True to include rows that do not count. Default False.

    Yields:
        `(m, rows, targets)`: the member; the network's outputs as returned by `OutputSpec.rows`,
        for rows that count, in float32 and before any temperature; and the `Targets`.

    Raises:
        TypeError: if `cache` is not a path.
        ValueError: as `evaluate_members`.
    """
    if cache is not None:
        check_path("cache", cache)
    spec = ensemble.output_spec
    with directory_held(cache):
        for m, raw, given in raw_outputs(ensemble, dataset, cache, batch_size, verbose):
            if not m:
                targets = read_targets(spec, raw.shape, **given)
            rows = spec.rows(raw)
            counting = targets.of(rows)
            check_outputs(spec, counting, m, dataset, batch_size)
            yield m, rows if whole else counting, targets


def check_outputs(spec, rows, member, data, batch_size, role="dataset"):
    """Rejects invalid outputs, and names the inputs if these are the reason.

    Args:
        spec: `OutputSpec`.
        rows: outputs of a member, as `OutputSpec.rows` returns them.
        member: its index.
        data, batch_size: the data set.
        role: name of the data in messages.
    """
    try:
        spec.check(rows, member)
    except ValueError as error:
        problem = Batches(data, batch_size, role=role).not_finite()
        if problem is None:
            raise
        raise ValueError(f"{error} {problem}") from None


def raw_outputs(ensemble, dataset, cache, batch_size, verbose, labeled=True, role="dataset"):
    """Yields the members' outputs and the dict of labels, weights and mask.

    Args:
        ensemble, dataset, cache, batch_size, verbose: as for `evaluate_members`.
        labeled: False to ignore labels and weights, which are None then. There is no cache.
        role: name of the data in messages.
    """
    batches = Batches(dataset, batch_size, role=role)
    store = PredictionCache(cache, ensemble.model)
    known = given = store.check_data(dataset, batch_size)

    @backend.compiled
    def run(numbers, x):
        outputs = ensemble.run_member(numbers, x)
        return outputs, mask_of(outputs)

    for m in tqdm.trange(
        ensemble.num_members,
        desc="members",
        disable=not verbose,
        unit=" member",
        mininterval=0.1 if sys.stderr.isatty() else 30,  # few lines in a log file
    ):
        numbers, outputs = ensemble.member_numbers(m), None
        arrays = [ops.convert_to_numpy(value) for value in numbers]
        fingerprint = member_fingerprint(ensemble.model, arrays)
        if labeled and given is not None:
            outputs = store.load(fingerprint, len(given["labels"]))
        if outputs is None:
            outputs, labels, first, count = _pass(run, numbers, batches, ensemble.model, labeled)
            if given is None:
                given = labels
                store.save_data(given, first, count)
            elif not _same(labels, given):
                if known is not None:
                    store.refuse_data(len(given["labels"]))
                raise ValueError(
                    "The labels came in another order at the second pass over the data. Pass the "
                    "data set without `.shuffle()`."
                )
            store.save(fingerprint, outputs)
        yield m, outputs, given


def _same(labels, given):
    """Whether labels and sample weights are equal; a mask may depend on the member's weights."""
    return all(_equal(labels[name], given[name]) for name in ("labels", "sample_weight"))


def _equal(first, second):
    return first is second or np.array_equal(first, second)


def _pass(run, numbers, batches, model, labeled):
    """Returns outputs and labels of one member, inputs of the first batch and the batch count."""
    outputs, first = [], None
    parts = {"labels": [], "sample_weight": [], "mask": []}
    for x, y, w in batches:
        if not labeled:
            y = w = None
        elif y is None:
            raise ValueError("The data has no labels: pass `(inputs, labels)`.")
        first = x if first is None else first
        raw, mask = run(numbers, x)
        outputs.append(np.array(ops.convert_to_numpy(raw)))
        w = None if w is None else the_one(w, model, "sample weights")
        for name, part in zip(parts, (the_one(y, model), w, mask)):
            parts[name].append(None if part is None else np.asarray(ops.convert_to_numpy(part)))
        if labeled and len(outputs[-1]) != len(parts["labels"][-1]):
            raise ValueError(
                f"A batch has {len(parts['labels'][-1])} labels, but the network "
                f"'{model.name}' makes {len(outputs[-1])} predictions for it."
            )
    if not sum(map(len, outputs)):
        raise ValueError("The data has no examples to evaluate.")
    shapes = sorted({part.shape[1:] for part in outputs})
    if len(shapes) > 1:
        raise ValueError(
            f"The outputs have another shape in each batch ({shapes[0]}, {shapes[1]}, ...). Pad "
            "the inputs to one length, and mask or weight the padding."
        )
    missing = [part is None for part in parts["sample_weight"]]
    if any(missing) and not all(missing):
        raise ValueError(
            f"{sum(missing)} of {len(missing)} batches have no sample weights. Use weights of 1 "
            "there."
        )
    given = {
        name: None if part[0] is None else np.concatenate(part) for name, part in parts.items()
    }
    return np.concatenate(outputs), given, first, len(outputs)
