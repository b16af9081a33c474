"""The data sets that networks are evaluated on."""

import dataclasses

from mc_tf.backend.batches import Batches, KeptBatches, data_fingerprint
from mc_tf.batch_norm.update import has_batch_norm

__all__ = ["EvaluationData"]


@dataclasses.dataclass(frozen=True)
class EvaluationData:
    """The data sets of an evaluation, each as `mc_tf.backend.batches.Batches` takes it.

    Args:
        train: training data.
        test: test data, or `None`.
        others: dict of further data sets by name, or `None`.
        statistics: what the statistics of batch normalisation are estimated on, where that is not
            `train`.

    Raises:
        ValueError: as `Batches`, naming the argument; if `others` is no dict by name, or has a name
            that is taken.
    """

    train: object
    test: object = None
    others: dict | None = None
    statistics: object = None

    def __post_init__(self):
        others = {} if self.others is None else self.others
        taken = {"train", "test", "statistics"}
        if not isinstance(others, dict) or any(not isinstance(name, str) for name in others):
            raise ValueError(
                "`others` must be a dict of data sets by name, such as `{'validation': data}`. "
                f"Received: {others if isinstance(others, dict) else type(others).__name__}"
            )
        if taken & set(others):
            raise ValueError(
                f"`others` has data sets named {sorted(taken & set(others))}, as other arguments "
                "are. Choose other names, such as 'validation'."
            )
        for name, data in self._by_role().items():
            Batches(data, role=name)

    def _by_role(self):
        """All data sets by what messages call them."""
        named = {"test": self.test, "statistics": self.statistics}
        return {
            "train": self.train,
            **{name: data for name, data in named.items() if data is not None},
            **{f"others[{name!r}]": data for name, data in (self.others or {}).items()},
        }

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

        def keep(data, role):
            return made.setdefault(id(data), KeptBatches(data, batch_size, role=role))

        kept = {role: keep(data, role) for role, data in self._by_role().items()}
        others = {name: kept[f"others[{name!r}]"] for name in self.others or {}}
        return EvaluationData(kept["train"], kept.get("test"), others, kept.get("statistics"))

    def fingerprint(self):
        """What tells this data from other data: a str, with a part for each data set."""
        every = self.evaluated
        if self.statistics is not None:
            every["statistics"] = self.statistics
        return " ".join(f"{name}: {data_fingerprint(data)}" for name, data in every.items())
