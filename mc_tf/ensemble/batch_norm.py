"""Batch normalization statistics of all members, in one pass over the data (section A.2)."""

import functools
from typing import TYPE_CHECKING

import numpy as np
import tqdm
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.batches import Batches
from mc_tf.batch_norm.statistics import BatchStatistics, check_finite_statistics
from mc_tf.typing import Data

if TYPE_CHECKING:
    from mc_tf.ensemble.model import Ensemble

__all__ = ["update_batch_norm"]


def update_batch_norm(
    ensemble: "Ensemble",
    dataset: Data,
    num_batches: int | None = None,
    batch_size: int = 500,
    verbose: int = 1,
) -> int:
    """Re-estimates the statistics of each member, like `mc_tf.update_batch_norm` for a model.

    Members from a curve need this: their statistics belong to other weights. The data is read once,
    and each batch runs through all members. Nothing changes if the pass fails.

    Args:
        ensemble: `Ensemble`.
        dataset: one epoch of the training data as seen in training, with augmentation: a finite
            `tf.data.Dataset` of batches, a `PyDataset`, or arrays, `x` or `(x, y)`. Labels are
            ignored.
        num_batches: use the first batches only. Default: all.
        batch_size: examples per batch, for arrays only. Default 500.
        verbose: 1 for a progress bar, 0 for silence.

    Returns:
        Number of normalization layers updated in each member.

    Raises:
        ValueError: if the data is empty, `num_batches` is below 1, or the statistics would not be
            finite. The previous statistics are kept.
    """
    model = ensemble.model
    batches = Batches(dataset, batch_size, num_batches, role="dataset")
    statistics = BatchStatistics(model)
    if not statistics.any:
        return 0

    def step(numbers, totals, x):
        forward = lambda training: model(x, training=training)
        return ensemble.run_code(lambda: statistics.accumulate(totals, forward), numbers)

    compiled = backend.compiled(step)
    members = [ensemble.member_numbers(m) for m in range(ensemble.num_members)]
    totals = None
    for x, _, _ in tqdm.tqdm(batches, "statistics", disable=not verbose, unit=" batch"):
        if totals is None:
            totals = [statistics.zeros() for _ in members]
            statistics.observe(step, members[0], totals[0], x)
            if not statistics.num_updated:
                return 0
        totals = [compiled(numbers, total, x) for numbers, total in zip(members, totals)]
    results = [
        ensemble.run_code(functools.partial(statistics.results, total), numbers)
        for numbers, total in zip(members, totals)
    ]
    for pairs in results:
        check_finite_statistics(pairs, batches)
    for pairs in zip(*results):
        values = np.stack([ops.convert_to_numpy(value) for _, value in pairs])
        ensemble.state_of(pairs[0][0]).assign(values)
    return statistics.num_updated
