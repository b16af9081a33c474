"""UCI regressions: small tables with the 20 standard splits of the literature."""

import dataclasses
import os
from typing import Any

import numpy as np

from mc_tf.data.regression import RegressionData
from mc_tf.storage.files import read_arrays

__all__ = ["SETS", "UCIData", "load_uci"]

SETS = ("boston", "concrete", "energy", "naval", "yacht")
_FOLDERS = ("", "uci")


def load_uci(name, data_dir=None, use_test=False, split=0):
    """Opens a UCI regression, standardized by the mean and deviation of its training examples.

    The splits are those used in the literature since Hernández-Lobato and Adams (2015), 90 % of the
    rows for training.

    Args:
        name: One of `SETS`.
        data_dir: Directory containing `NAME.npz`, directly or in `uci`, with the arrays `features`
            `(n, d)`, `target` `(n,)` and `test_00` ... `test_19`: rows of the test sets. Defaults
            to the working directory.
        use_test: Whether to train on all training rows and test on the test rows. Otherwise a
            random fifth of the training rows replaces the test rows.
        split: Number of the split, from 0. Defaults to 0.

    Returns:
        `UCIData`.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file has no such split, or other arrays.
    """
    arrays = _read(name, os.path.expanduser(os.fspath(data_dir or ".")))
    splits = sorted(key for key in arrays if key.startswith("test_"))
    if not str(split).isdigit() or int(split) >= len(splits):
        raise ValueError(
            f"The data set 'uci:{name}' has the splits 0 to {len(splits) - 1}, such as "
            f"'uci:{name}:0'. Received: {split}."
        )
    split = int(split)
    x, y = arrays["features"], arrays["target"].reshape(-1, 1)
    test = arrays[splits[split]]
    train = np.setdiff1d(np.arange(len(x)), test)
    train = np.random.default_rng(split).permutation(train)  # the rows may be sorted
    if not use_test:
        kept = len(train) - len(train) // 5
        train, test = train[:kept], train[kept:]
    (x, _, _), (y, mean, std) = (_standardized(each.astype("float64"), train) for each in (x, y))
    return UCIData(
        x[train],
        y[train],
        x[test],
        y[test],
        test_name="test" if use_test else "validation",
        name=f"uci:{name}",
        split=split,
        target_mean=float(mean[0]),
        target_std=float(std[0]),
        data_dir=data_dir,
    )


def _read(name, directory):
    files = [os.path.join(directory, folder, f"{name}.npz") for folder in _FOLDERS]
    file = next(filter(os.path.isfile, files), None)
    if file is None:
        raise FileNotFoundError(
            f"The UCI data set '{name}' is not in '{directory}': set --data_dir to a directory "
            f"with {name}.npz (arrays 'features', 'target', and 'test_00' to 'test_19': rows of "
            "the standard test splits), or use --dataset=regression, which needs no files."
        )
    maker = "saving a UCI data set and its splits by numpy.savez"
    return read_arrays(file, ("features", "target", "test_00"), "a UCI data set", maker)


def _standardized(values, train):
    mean, std = values[train].mean(0), values[train].std(0)
    std[std == 0] = 1  # a constant feature
    return ((values - mean) / std).astype("float32"), mean, std


@dataclasses.dataclass(frozen=True, eq=False)
class UCIData(RegressionData):
    """A UCI regression in standard units, with the units of its target.

    Args:
        x_train, y_train, x_test, y_test, test_name, name: See `RegressionData`.
        split: Number of the split.
        target_mean, target_std: Floats: `y * target_std + target_mean` is in the original units. A
            log-likelihood in these units is `log(target_std)` lower.
        data_dir: Directory of the file, for other splits.
    """

    split: int = 0
    target_mean: float = 0.0
    target_std: float = 1.0
    data_dir: str | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that identify the data, see `Dataset.settings`."""
        return {**super().settings, "split": self.split}
