"""An ensemble as one TensorFlow SavedModel: one graph, stacked weights, no Python needed."""

import functools
import glob
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mc_tf.distribute.processes import is_chief
from mc_tf.ensemble.signature import input_signature
from mc_tf.storage.files import check_writable
from mc_tf.storage.locks import locked
from mc_tf.typing import PathLike
from mc_tf.weights.preprocessing import resources

if TYPE_CHECKING:
    from mc_tf.ensemble.model import Ensemble

__all__ = ["check_destination", "export_ensemble"]


def export_ensemble(ensemble: "Ensemble", path: PathLike, example: Any = None) -> None:
    """Writes an ensemble as a SavedModel that runs with TensorFlow alone.

    The graph holds the network once; the weights of all members are one variable `(M, P)`. Its
    signature `serving_default` accepts batches of any size and returns a dict: `probabilities`
    `(N, C)` float32, as from `predict`; `class` `(N,)` int64; and `disagreement` `(N,)` float32,
    the share of members that predict another class than the ensemble. For multilabel outputs
    (`"multilabel_..."`), `class` is 0 or 1 and both have shape `(N, L)`, one value per label. For a
    regression: `mean` and `variance` over the members. Vocabularies are included, so strings can be
    served.

    The inputs have the names passed to `keras.Input`. Unnamed inputs are named by the key of their
    dict (`a_b` for `{"a": {"b": ...}}`), `inputs`, or `inputs_0`, `inputs_1` and so on in a list.
    Characters other than ASCII letters, digits and underscores become underscores, and duplicate
    names get a number.

    `tf.lite.TFLiteConverter.from_saved_model(path)` converts the ensemble if it can convert the
    network (currently no recurrent layers with a variable batch size).

    Args:
        ensemble: `Ensemble`.
        path: directory to write, atomically. An existing SavedModel is replaced.
        example: example inputs of a subclassed model, which has no graph: a batch of inputs
            (arrays, lists, a pandas frame), a `tf.data.Dataset` of batches, or a `tf.TensorSpec`,
            `keras.Input` or `keras.InputSpec`; or a nested structure of these. The batch size is
            variable; other dimensions are fixed by the example. For texts of any length pass
            `tf.TensorSpec((None, None), "int32")`. Floats of an example, often float64, are served
            in the dtype of the model's weights; a specification is used unchanged.

    Raises:
        ValueError: if `path` exists and is not a SavedModel, Keras runs on another backend, or
            `example` is missing or has no batch axis.
        OSError: if it cannot be written, for instance on a full disk; an existing SavedModel is
            kept.

    Example:
        ```python
        ensemble.export("served")
        serve = tf.saved_model.load("served").signatures["serving_default"]
        serve(images=batch)["class"]
        ```
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Writing a SavedModel needs the TensorFlow backend, but Keras runs on "
            f"{keras.backend.backend()}. Save the ensemble (`ensemble.save('ensemble.keras')`) and "
            "export it in a process with the environment variable KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    path = os.path.abspath(os.fspath(path))
    check_destination(path)
    specs, rebuild = input_signature(ensemble.model, example)

    def serve(*inputs):
        return _outputs(ensemble, ensemble.run_members(rebuild(inputs), over=_call_each))

    module = tf.Module()
    # Only variables and tables of TensorFlow are tracked, nothing of Keras.
    module.numbers = [variable.value for variable in ensemble.variables]
    module.resources = resources(ensemble.model)
    module.serve = tf.function(serve, input_signature=specs, autograph=False)
    if not is_chief():
        return
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
                f"The ensemble could not be written to '{path}': {error.message}. Existing files "
                "are untouched."
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
    """Cleans up after a killed `export` and restores the directory it was replacing."""
    parent, name = os.path.split(path)
    for directory in glob.glob(os.path.join(glob.escape(parent), f".{glob.escape(name)}-????????")):
        old = os.path.join(directory, "old")
        if os.path.isdir(old) and not os.path.exists(path):
            os.rename(old, path)
        shutil.rmtree(directory, ignore_errors=True)


def _call_each(function, numbers):
    """Like `ops.map`, but calls one function instead of a loop, which TFLite cannot convert.

    The graph holds the function once. Unlike in a loop, calls may run in parallel.
    """
    import tensorflow as tf

    one = tf.function(function, autograph=False)
    results = [one(list(member)) for member in zip(*map(tf.unstack, numbers))]
    return tf.nest.map_structure(lambda *parts: tf.stack(parts), *results)


def _outputs(ensemble, members):
    """Returns the served dict from the members' predictions `(M, N, ..., C)`."""
    mean = ops.mean(members, axis=0)
    if ensemble.output_kind == "regression":
        return {"mean": mean, "variance": ops.mean(ops.square(members - mean), axis=0)}
    import tensorflow as tf

    # With TensorFlow's `argmax`: TFLite lacks some operations of the Keras version.
    classes = functools.partial(ensemble.output_spec.classes, argmax=tf.argmax)
    chosen = classes(mean[None])
    differs = ops.cast(ops.not_equal(classes(members), chosen), "float32")
    return {
        "probabilities": mean,
        "class": chosen[0],
        "disagreement": ops.mean(differs, axis=0),
    }


def check_destination(path):
    """Rejects a path that `export_ensemble` cannot write to.

    Args:
        path: directory.

    Raises:
        ValueError: if the path exists and is not a SavedModel.
        OSError: if it cannot be written.
    """
    if os.path.lexists(path) and (
        not os.path.isdir(path)
        or (os.listdir(path) and not os.path.exists(os.path.join(path, "saved_model.pb")))
    ):
        raise ValueError(
            f"'{path}' exists and is not a SavedModel, so it is not replaced. Choose another path, "
            "or move it away."
        )
    check_writable(os.path.dirname(os.path.abspath(path)))
