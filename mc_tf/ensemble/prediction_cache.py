"""A cache of members' predictions in files, so that none is computed twice."""

import hashlib
import json
import os
import re

import keras
import numpy as np

from mc_tf.backend.array_kinds import as_dense, as_rows, content
from mc_tf.backend.batches import Batches, num_batches_of
from mc_tf.backend.keras_internals import layers_within
from mc_tf.backend.precision import computes_in_bfloat16
from mc_tf.ensemble.labels import the_one
from mc_tf.storage.files import check_writable, read_arrays, write_arrays
from mc_tf.weights.flat import state_variables

__all__ = ["PredictionCache", "member_fingerprint"]


class PredictionCache:
    """A directory with the outputs of members on one data set, and its labels.

    A member's file is named by a fingerprint of its weights, its state and its network. Outputs are
    stored before temperatures are applied. The data set is identified by its labels, their number
    and the inputs of its first batch.

    Args:
        directory: path, created if necessary. None for no cache.
        model: the network, whose output name selects one of several label arrays.

    Raises:
        OSError: if it cannot be created or written to.
    """

    def __init__(self, directory, model):
        self._model = model
        self._directory = None if directory is None else os.fspath(directory)
        if self._directory is not None:
            check_writable(self._directory)

    def _path(self, name):
        return os.path.join(self._directory, f"{name}.npz")

    def check_data(self, dataset, batch_size):
        """Compares the first batch of a data set with the data set of the files.

        Args:
            dataset: any type that `Batches` accepts.
            batch_size: examples per batch, for arrays only.

        Returns:
            dict of the `labels` of the data set, its `sample_weight` and `mask` (None if absent);
            or None if the cache is empty or lacks weights and masks, as in files of earlier
            versions.

        Raises:
            ValueError: if the data set differs.
        """
        if self._directory is None or not os.path.exists(self._path("data")):
            return None
        stored = read_arrays(
            self._path("data"),
            ("labels", "digest", "first", "batches"),
            "the labels of predictions",
            "evaluate with another directory as `cache`",
        )
        labels, digest = stored["labels"], str(stored["digest"])
        first, batches = int(stored["first"]), int(stored["batches"])
        complete = "weighted" in stored
        weights, mask = stored.get("sample_weight"), stored.get("mask")
        inputs, targets, batch = self._first_examples(dataset, batch_size, first)
        num_examples, num_batches = _sizes(dataset)
        if (
            _digest(inputs, first) != digest
            or not np.array_equal(targets, labels[:first])
            or num_examples not in (None, len(labels))
            or not self._are(dataset, 1, labels)
            or (complete and not self._are(dataset, 2, weights))
            or (batch == first and num_batches not in (None, batches))
        ):
            self.refuse_data(len(labels))
        return {"labels": labels, "sample_weight": weights, "mask": mask} if complete else None

    def refuse_data(self, size):
        """Raises the error for a data set that differs from the data set of the files.

        Args:
            size: number of examples in the files.
        """
        raise ValueError(
            f"The directory '{self._directory}' holds predictions for another data set, of {size} "
            "examples: inputs, labels or their order differ. Choose another directory as `cache`, "
            "or move this one away."
        )

    def save_data(self, given, inputs, batches):
        """Stores the identity of the data set.

        Args:
            given: dict of arrays or None, as `check_data` returns it.
            inputs: inputs of the first batch.
            batches: number of batches.
        """
        if self._directory is not None:
            first = int(keras.tree.flatten(inputs)[0].shape[0])
            digest = _digest(inputs, first)
            given = {name: part for name, part in given.items() if part is not None}
            weighted = "sample_weight" in given
            about = {"first": first, "digest": digest, "batches": batches, "weighted": weighted}
            self._write("data", **given, **about)

    def load(self, fingerprint, size):
        """Reads the outputs of a member.

        Args:
            fingerprint: str, from `member_fingerprint`.
            size: number of examples.

        Returns:
            float32 array `(N, ..., C)`; None if it is not stored, or the file is damaged.
        """
        if self._directory is None:
            return None
        path = self._path(f"member-{fingerprint}")
        try:
            outputs = read_arrays(path, ("outputs",), "predictions", "evaluate again")["outputs"]
        except (FileNotFoundError, ValueError):  # it is computed again
            return None
        return outputs if len(outputs) == size else None

    def save(self, fingerprint, outputs):
        """Writes the outputs of a member atomically.

        Args:
            fingerprint: str, from `member_fingerprint`.
            outputs: float32 array `(N, ..., C)`.
        """
        if self._directory is not None:
            self._write(f"member-{fingerprint}", outputs=outputs)

    def _write(self, name, **arrays):
        write_arrays(self._path(name), **arrays)

    def _first_examples(self, dataset, batch_size, first):
        """Returns inputs and labels of at least the first examples, and the first batch size."""
        inputs, targets = [], []
        for x, y, _ in Batches(dataset, batch_size, role="dataset"):
            if y is None:
                raise ValueError("The data has no labels: pass `(inputs, labels)`.")
            inputs.append(keras.tree.map_structure(as_rows, x))
            targets.append(np.asarray(the_one(y, self._model)))
            if sum(map(len, targets)) >= first:
                break
        joined = keras.tree.map_structure(_joined, *inputs)
        return joined, np.concatenate(targets)[:first], len(targets[0])

    def _are(self, dataset, index, known):
        """Whether a tuple has these labels (index 1) or weights (2); True for other data."""
        if not isinstance(dataset, (tuple, list)) or not Batches(dataset).of_arrays:
            return True
        given = dataset[index] if index < len(dataset) else None
        if given is None or known is None:
            return given is known
        return np.array_equal(as_dense(the_one(given, self._model)), known)


def member_fingerprint(model, numbers):
    """Fingerprint of everything a member's outputs depend on.

    Args:
        model: the network.
        numbers: list of arrays: the weights, then one per variable in `state_variables(model)`.

    Returns:
        str of 32 characters, stable across processes and independent of Keras' layer names. It
        includes the precision.
    """
    digest = hashlib.sha256(b"bfloat16" if computes_in_bfloat16() else b"")
    for part in layers_within(model):
        digest.update(type(part).__name__.encode())
        if isinstance(part, keras.Model):
            continue  # the layers follow; a graph refers to names
        try:
            config = json.dumps(_without_names(part.get_config()), default=repr, sort_keys=True)
        except (NotImplementedError, TypeError, ValueError):
            continue
        digest.update(re.sub(r" at 0x[0-9a-f]+", "", config).encode())
    names = ["weights", *(variable.name for variable in state_variables(model))]
    for name, value in zip(names, numbers):
        if name == "seed_generator_state":
            continue  # of dropout, which is off; not every file has it
        value = np.ascontiguousarray(value)
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()[:32]


def _without_names(config):
    if isinstance(config, dict):
        return {key: _without_names(v) for key, v in config.items() if key != "name"}
    if isinstance(config, (list, tuple)):
        return [_without_names(value) for value in config]
    return config


def _digest(inputs, first):
    """Fingerprint of the first examples of a structure of arrays."""
    digest = hashlib.sha256()
    for leaf in keras.tree.flatten(inputs):
        for part in content(as_rows(leaf)[:first]):
            digest.update(part)
    return digest.hexdigest()


def _joined(*leaves):
    if len(leaves) == 1:
        return leaves[0]
    return np.concatenate([as_dense(leaf) for leaf in leaves])


def _sizes(dataset):
    """Returns the numbers of examples and batches, each None if only a pass would reveal it."""
    batches = Batches(dataset)
    return batches.num_examples, None if batches.of_arrays else num_batches_of(dataset)
