"""The data sets that networks are evaluated on."""

import dataclasses

from mc_tf.batch_norm import has_batch_norm
from mc_tf.batches import KeptBatches, data_fingerprint

__all__ = ["EvaluationData"]


@dataclasses.dataclass(frozen=True)
class EvaluationData:
    """The data sets of an evaluation, each as `mc_tf.batches.Batches` takes it.

    Args:
        train: training data.
        test: test data, or `None`.
        others: dict of further data sets by name, or `None`.
        statistics: what the statistics of batch normalisation are estimated on, where that is not
            `train`.
    """

    train: object
    test: object = None
    others: dict | None = None
    statistics: object = None

    @property
    def evaluated(self):
        """The data sets on which losses and metrics are computed: a dict by name."""
        test = {} if self.test is None else {"test": self.test}
        return {"train": self.train, **test, **(self.others or {})}

    @property
    def for_statistics(self):
        """The data set that the statistics of batch normalisation are estimated on."""
        return self.train if self.statistics is None else self.statistics

    def needed_by(self, model):
        """The same without what this model does not need: statistics, without batch normalisation.

        Args:
            model: Keras model.

        Returns:
            `EvaluationData`.
        """
        return self if has_batch_norm(model) else dataclasses.replace(self, statistics=None)

    def kept(self, batch_size=500):
        """The same for many passes: each data set is read once, as far as memory allows.

        Args:
            batch_size: examples a batch, for arrays only.

        Returns:
            `EvaluationData` of `KeptBatches`; what is given twice is kept once.
        """
        made = {}

        def keep(data):
            return made.setdefault(id(data), KeptBatches(data, batch_size))

        kept = {name: keep(data) for name, data in self.evaluated.items()}
        statistics = None if self.statistics is None else keep(self.statistics)
        return EvaluationData(kept.pop("train"), kept.pop("test", None), kept, statistics)

    def fingerprint(self):
        """What tells this data from other data: a str, with a part for each data set."""
        every = self.evaluated
        if self.statistics is not None:
            every["statistics"] = self.statistics
        return " ".join(f"{name}: {data_fingerprint(data)}" for name, data in every.items())
