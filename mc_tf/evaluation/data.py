"""Data sets for evaluation."""

import dataclasses

from mc_tf.backend.batches import Batches, KeptBatches, data_fingerprint
from mc_tf.batch_norm.update import has_batch_norm

__all__ = ["EvaluationData"]


@dataclasses.dataclass(frozen=True)
class EvaluationData:
    """Data sets of an evaluation, each as accepted by `mc_tf.backend.batches.Batches`.

    Args:
        train: training data.
        test: test data, or `None`.
        extra_data: dict of further data sets by name, or `None`.
        batch_norm_data: data set for estimating batch normalization statistics. Default: `train`.

    Raises:
        ValueError: as `Batches`, naming the argument; or if `extra_data` is not a dict of data sets
            by name, or uses a reserved name.
    """

    train: object
    test: object = None
    extra_data: dict | None = None
    batch_norm_data: object = None

    def __post_init__(self):
        extra = {} if self.extra_data is None else self.extra_data
        taken = {"train", "test", "statistics", "batch_norm_data"}
        if not isinstance(extra, dict) or any(not isinstance(name, str) for name in extra):
            raise ValueError(
                "`extra_data` must be a dict of data sets by name, such as `{'validation': data}`. "
                f"Received: {extra if isinstance(extra, dict) else type(extra).__name__}"
            )
        if taken & set(extra):
            raise ValueError(
                f"`extra_data` has data sets named {sorted(taken & set(extra))}, which are "
                "reserved. Choose other names, such as 'validation'."
            )
        for name, data in self._by_role().items():
            Batches(data, role=name)

    def _by_role(self):
        """All data sets, by their names in messages."""
        named = {"test": self.test, "batch_norm_data": self.batch_norm_data}
        return {
            "train": self.train,
            **{name: data for name, data in named.items() if data is not None},
            **{f"extra_data[{name!r}]": data for name, data in (self.extra_data or {}).items()},
        }

    @property
    def evaluated(self):
        """Data sets for losses and metrics: a dict by name."""
        test = {} if self.test is None else {"test": self.test}
        return {"train": self.train, **test, **(self.extra_data or {})}

    @property
    def for_statistics(self):
        """Data set for estimating batch normalization statistics."""
        return self.train if self.batch_norm_data is None else self.batch_norm_data

    def needed_by(self, model):
        """Drops `batch_norm_data` if the model has no batch normalization.

        Args:
            model: Keras model.

        Returns:
            `EvaluationData`.
        """
        return self if has_batch_norm(model) else dataclasses.replace(self, batch_norm_data=None)

    def kept(self, batch_size=500):
        """Prepares for many passes: caches each data set, as far as memory allows.

        Args:
            batch_size: examples per batch, for arrays only.

        Returns:
            `EvaluationData` of `KeptBatches`; a data set passed twice is cached once.
        """
        made = {}

        def keep(data, role):
            return made.setdefault(id(data), KeptBatches(data, batch_size, role=role))

        kept = {role: keep(data, role) for role, data in self._by_role().items()}
        extra = {name: kept[f"extra_data[{name!r}]"] for name in self.extra_data or {}}
        return EvaluationData(kept["train"], kept.get("test"), extra, kept.get("batch_norm_data"))

    def fingerprint(self):
        """Fingerprint of the data: a str with one part per data set."""
        every = self.evaluated
        if self.batch_norm_data is not None:
            every["statistics"] = self.batch_norm_data
        return " ".join(f"{name}: {data_fingerprint(data)}" for name, data in every.items())
