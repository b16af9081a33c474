"""An ensemble as one TensorFlow SavedModel: one graph, stacked weights, no Python needed."""

import glob
import os
import re
import shutil
import tempfile

import keras
from keras import ops

from mc_tf import backend
from mc_tf.adapted import tables
from mc_tf.files import check_writable
from mc_tf.locks import locked

__all__ = ["export_ensemble"]


def export_ensemble(ensemble, path, example=None):
    """Writes an ensemble as a SavedModel that runs with TensorFlow alone.

    The graph holds the network once; the weights of all members are one variable `(M, P)`. Its
    signature `serving_default` takes batches of any size, by the names of the model's inputs (the
    keys of its dict of inputs; `inputs` for one without a name of its own), and returns a dict:
    `probabilities` `(N, C)` float32, as from `predict`; `class` `(N,)` int64; and `disagreement`
    `(N,)` float32, the share of members whose own class differs from the ensemble's. Where each
    output is a yes or no of its own (`"multilabel_..."`), `class` is 0 or 1 and both are `(N, L)`,
    for each of the labels. Of a regression: `mean` and `variance` over the members.

    Args:
        ensemble: `Ensemble`.
        path: directory to write. It is whole or not there; a SavedModel there is replaced.
        example: a batch of inputs, for subclassed models, which do not tell what they take.

    Raises:
        ValueError: if `path` is something else than a SavedModel, Keras runs on another backend,
            `example` is needed, or the model has a layer that looks words up.
        OSError: if it cannot be written, on a full disk for instance; what was there stays.

    Example:
        ```python
        ensemble.export("served")
        serve = tf.saved_model.load("served").signatures["serving_default"]
        serve(images=batch)["class"]
        ```
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "A SavedModel is TensorFlow's own, but Keras runs on "
            f"{keras.backend.backend()}. Save the ensemble (`ensemble.save('ensemble.keras')`) "
            "and export it in a process with the environment variable KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    found = tables(ensemble.model)
    if found:
        raise ValueError(
            f"The layer '{found[0].name}' looks words up in a table, which a SavedModel of an "
            "ensemble does not hold. Leave it to the data pipeline: make the ensemble of the model "
            "that takes what the layer returns."
        )
    path = os.path.abspath(os.fspath(path))
    _check_replaceable(path)
    specs, rebuild = _signature(ensemble.model, example)

    def serve(*inputs):
        return _outputs(ensemble, ensemble.run_members(rebuild(inputs)))

    module = tf.Module()
    # Nothing of Keras is tracked: the variables of TensorFlow alone.
    module.numbers = [variable.value for variable in ensemble.variables]
    module.serve = tf.function(serve, input_signature=specs, autograph=False)
    check_writable(os.path.dirname(path))
    with locked(os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.lock"), path):
        _write(module, path)


def _write(module, path):
    import tensorflow as tf

    _remove_leftovers(path)
    directory = tempfile.mkdtemp(prefix=f".{os.path.basename(path)}-", dir=os.path.dirname(path))
    try:
        new, old = os.path.join(directory, "new"), os.path.join(directory, "old")
        try:
            tf.saved_model.save(module, new, signatures=module.serve)
        except tf.errors.OpError as error:  # a full disk
            raise OSError(
                f"The ensemble could not be written to '{path}': {error.message}. What was there "
                "before is untouched."
            ) from error
        if os.path.isdir(path):
            os.rename(path, old)
        try:
            os.rename(new, path)
        except OSError:
            if os.path.isdir(old):
                os.rename(old, path)
            raise
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _remove_leftovers(path):
    """Removes what a killed `export` left, and puts back what it was about to replace."""
    parent, name = os.path.split(path)
    for directory in glob.glob(os.path.join(glob.escape(parent), f".{glob.escape(name)}-????????")):
        old = os.path.join(directory, "old")
        if os.path.isdir(old) and not os.path.exists(path):
            os.rename(old, path)
        shutil.rmtree(directory, ignore_errors=True)


def _outputs(ensemble, members):
    """The dict that is served, from the members' predictions `(M, N, ..., C)`."""
    mean = ops.mean(members, axis=0)
    if ensemble.output_kind == "values":
        return {"mean": mean, "variance": ops.mean(ops.square(members - mean), axis=0)}
    spec = ensemble.output_spec
    chosen = spec.classes(mean[None])
    differs = ops.cast(ops.not_equal(spec.classes(members), chosen), "float32")
    return {
        "probabilities": mean,
        "class": chosen[0],
        "disagreement": ops.mean(differs, axis=0),
    }


def _signature(model, example):
    """Tensor specifications of the inputs, and the function that gives them their structure."""
    import tensorflow as tf

    structure = example
    if example is None:
        inputs = getattr(model, "inputs", None)
        structure = inputs and (inputs[0] if isinstance(model, keras.Sequential) else model.input)
    if structure is None:
        raise ValueError(
            f"What the model '{model.name}' takes is not known: it has no graph. Pass a batch "
            "of inputs: `ensemble.export(path, example=x)`."
        )
    leaves = keras.tree.flatten(structure)
    if example is not None:
        leaves = [ops.convert_to_tensor(backend.to_device(leaf)) for leaf in leaves]
    if isinstance(structure, dict):
        names = keras.tree.flatten({key: key for key in structure})
    elif example is None:
        names = [leaf.name for leaf in leaves]
        if len(names) == 1 and re.fullmatch(r"(keras_tensor|input_layer)(_\d+)?", names[0]):
            names = ["inputs"]  # Keras' own name is another in each process
    else:
        names = ["inputs"] if len(leaves) == 1 else [f"inputs_{j}" for j in range(len(leaves))]
    specs = [
        tf.TensorSpec((None, *leaf.shape[1:]), leaf.dtype, name=re.sub(r"\W", "_", name))
        for leaf, name in zip(leaves, names)
    ]
    return specs, lambda inputs: keras.tree.pack_sequence_as(structure, list(inputs))


def _check_replaceable(path):
    if not os.path.lexists(path):
        return
    if not os.path.isdir(path) or (
        os.listdir(path) and not os.path.exists(os.path.join(path, "saved_model.pb"))
    ):
        raise ValueError(
            f"'{path}' exists and is not a SavedModel, so it is not replaced. Give another path, "
            "or move it away."
        )
