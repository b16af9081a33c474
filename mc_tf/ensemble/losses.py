"""Infers the meaning of a model's outputs from its compiled loss."""

import dataclasses
import functools
import json

import keras

from mc_tf.backend.keras_internals import compile_arguments, loss_options

__all__ = [
    "LossReading",
    "LostLoss",
    "is_plain_cross_entropy",
    "known_name",
    "loss_config",
    "loss_from_config",
    "read_loss",
    "with_logits",
]

_VALUES = {
    "mean_squared_error": keras.losses.MeanSquaredError,
    "mean_absolute_error": keras.losses.MeanAbsoluteError,
    "mean_absolute_percentage_error": keras.losses.MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": keras.losses.MeanSquaredLogarithmicError,
    "huber": keras.losses.Huber,
    "log_cosh": keras.losses.LogCosh,
    "poisson": keras.losses.Poisson,
    "cosine_similarity": keras.losses.CosineSimilarity,
}
_CLASSES = {
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
    "categorical_focal_crossentropy": keras.losses.CategoricalFocalCrossentropy,
    "categorical_generalized_cross_entropy": keras.losses.CategoricalGeneralizedCrossEntropy,
    "kl_divergence": keras.losses.KLDivergence,
}
_LABELS = {
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "binary_focal_crossentropy": keras.losses.BinaryFocalCrossentropy,
    "dice": keras.losses.Dice,
    "tversky": keras.losses.Tversky,
}
_KNOWN = {**_VALUES, **_CLASSES, **_LABELS}
_CROSS_ENTROPIES = (
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
_MEANS = ("sum_over_batch_size", "mean")
_FAMILIES = {
    **dict.fromkeys(_VALUES, "regression"),
    **dict.fromkeys(_CLASSES, "classes"),
    **dict.fromkeys(_LABELS, "labels"),
}


@dataclasses.dataclass(frozen=True)
class LossReading:
    """Properties of the outputs that a loss implies.

    Attributes:
        family: `"classes"` that exclude each other, `"labels"` (each output is a separate yes or
            no), or `"regression"`; None for an unknown loss.
        from_logits: whether the loss expects logits.
        axis: the class axis; None for the default of the loss.
        ignore_class: the label to ignore; None for none.
        loss: the loss itself, an object or a function.
        weight: factor of the loss, from `loss_weights`; None for 1.
    """

    family: str | None
    from_logits: bool = False
    axis: int | None = None
    ignore_class: int | None = None
    loss: object = None
    weight: float | None = None


def read_loss(models, width=None):
    """Reads the compiled loss, preferring one that determines the outputs.

    Args:
        models: Keras models, compiled or not.
        width: number of outputs, which decides the meaning of `"crossentropy"`.

    Returns:
        `LossReading`; None if no model has a compiled loss.
    """
    every = []
    for model in models:
        losses = [each for each in keras.tree.flatten(getattr(model, "loss", None)) if each]
        readings = [_read(loss, width) for loss in losses]
        if len(readings) == 1:
            readings = [dataclasses.replace(readings[0], weight=_weight(model))]
        every += readings
    return next((each for each in every if each.family), every[0] if every else None)


def _weight(model):
    """Returns the only entry of `loss_weights`, None for 1."""
    weights = keras.tree.flatten(compile_arguments(model).get("loss_weights"))
    weights = [float(each) for each in weights if each is not None]
    return None if len(weights) != 1 or weights[0] == 1 else weights[0]


def _read(loss, width):
    if isinstance(loss, str):
        if loss.lower() in ("crossentropy", "ce"):  # Keras chooses by the number of outputs
            loss = "binary_crossentropy" if width == 1 else "sparse_categorical_crossentropy"
        loss = keras.losses.get(loss)
    name, options = known_name(loss), _options(loss)
    from_logits = True in (options.get("from_logits"), getattr(loss, "from_logits", None))
    if name is None:
        return LossReading("classes" if from_logits else None, from_logits, loss=loss)
    family = _FAMILIES[name]
    if not isinstance(loss, keras.losses.Loss):
        loss = _KNOWN[name](**options)
    ignored = options.get("ignore_class")
    axis = options.get("axis") if family == "classes" else None
    return LossReading(family, from_logits, axis, ignored, loss)


def known_name(loss):
    """Returns the name of the Keras function behind a loss; None for other losses.

    Args:
        loss: `keras.losses.Loss`, function, or `functools.partial`.

    Returns:
        str or None. Subclasses of Keras losses have the name of their base class.
    """
    if isinstance(loss, functools.partial):
        loss = loss.func
    function = getattr(loss, "fn", loss)
    name = getattr(function, "__name__", "")
    return name if name in _KNOWN and getattr(keras.losses, name) is function else None


def _options(loss):
    if isinstance(loss, functools.partial):
        return loss.keywords
    return dict(loss_options(loss))


def is_plain_cross_entropy(loss):
    """Whether a loss is a Keras cross-entropy with default settings.

    Args:
        loss: `keras.losses.Loss` or function.
    """
    if not _is_cross_entropy(loss):
        return False
    options = _options(loss)
    axis = options.get("axis") if known_name(loss) == "binary_crossentropy" else None
    return not options.get("label_smoothing") and axis in (None, -1) and loss.reduction in _MEANS


def with_logits(loss):
    """Converts a Keras cross-entropy to a loss of logits; returns other losses unchanged.

    This preserves probabilities near 0, as Keras does after a softmax or sigmoid.

    Args:
        loss: `keras.losses.Loss` or function.

    Returns:
        `keras.losses.Loss` or function.
    """
    if not _is_cross_entropy(loss):
        return loss
    return type(loss)(**{**_options(loss), "from_logits": True}, reduction=loss.reduction)


def _is_cross_entropy(loss):
    name = known_name(loss)
    return name in _CROSS_ENTROPIES and type(loss) is _KNOWN[name]


def loss_config(loss):
    """Serializes a loss to JSON values, with the options that Keras leaves out.

    Args:
        loss: `keras.losses.Loss` or function.

    Returns:
        dict.
    """
    name = known_name(loss)
    if name and type(loss) is _KNOWN[name]:
        reduction = {} if loss.reduction in _MEANS else {"reduction": loss.reduction}
        return {"name": name, **loss_options(loss), **reduction}
    try:
        config = keras.losses.serialize(loss)
        config = config if isinstance(config, dict) else keras.saving.serialize_keras_object(loss)
        return json.loads(json.dumps(config))
    except Exception:  # not serializable; only the score needs it
        return {"lost": getattr(loss, "__name__", type(loss).__name__)}


def loss_from_config(config):
    """Creates a loss from the result of `loss_config`.

    Args:
        config: dict.

    Returns:
        `keras.losses.Loss` or function. If that fails, a function that raises a `ValueError` when
        called, since predictions do not need a loss.
    """
    options = dict(config)
    made = _KNOWN.get(options.pop("name", None))
    if made:
        return made(**options)
    try:
        return keras.saving.deserialize_keras_object(config)
    except Exception:  # not registered, or lost
        return LostLoss(config)


class LostLoss:
    """Placeholder for a loss in a file that cannot be created here.

    Args:
        config: dict, as from `loss_config`.
    """

    def __init__(self, config):
        self.config = config

    def __call__(self, *_):
        """Raises an error with the remedy."""
        names = (self.config.get(key) for key in ("lost", "registered_name", "class_name"))
        name = next((name for name in names if isinstance(name, str)), "of the network")
        raise ValueError(
            f"The network was compiled with the loss '{name}', which cannot be saved with the "
            "ensemble. Register it with `@keras.saving.register_keras_serializable()` before "
            "creating the ensemble, or pass it: `Ensemble(ensemble.model, members, "
            "output=mc_tf.ensemble.OutputSpec(kind, loss=...))`."
        )
