"""The meaning of a model's outputs, read from the loss that it is compiled with."""

import dataclasses
import functools

import keras

from mc_tf.keras_internals import loss_options

__all__ = ["LossReading", "loss_config", "loss_from_config", "read_loss"]

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
_CLASSES = (
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "kl_divergence",
)
_LABELS = ("binary_crossentropy", "binary_focal_crossentropy", "dice", "tversky")
_FAMILIES = {
    **dict.fromkeys(_VALUES, "values"),
    **dict.fromkeys(_CLASSES, "classes"),
    **dict.fromkeys(_LABELS, "labels"),
}


@dataclasses.dataclass(frozen=True)
class LossReading:
    """What a loss says about the outputs.

    Attributes:
        family: `"classes"` that exclude each other, `"labels"` (each output is a yes or no of its
            own), or `"values"` of a regression.
        from_logits: whether the loss takes logits.
        axis: the axis of the classes; None for the loss's own default.
        ignore_class: the label that does not count; None for none.
        loss: of a regression: the loss.
    """

    family: str
    from_logits: bool = False
    axis: int | None = None
    ignore_class: int | None = None
    loss: keras.losses.Loss | None = None


def read_loss(models, width=None):
    """Reads the first compiled loss that says something about the outputs.

    Args:
        models: Keras models, compiled or not.
        width: number of outputs, which decides what `"crossentropy"` stands for.

    Returns:
        `LossReading`; None if no model is compiled with a loss that is known.
    """
    for model in models:
        for loss in keras.tree.flatten(getattr(model, "loss", None)):
            reading = None if loss is None else _read(loss, width)
            if reading is not None:
                return reading
    return None


def _read(loss, width):
    if isinstance(loss, str):
        if loss.lower() in ("crossentropy", "ce"):  # Keras chooses by the number of outputs
            return LossReading("labels" if width == 1 else "classes")
        loss = keras.losses.get(loss)
    options = dict(loss_options(loss))
    if isinstance(loss, functools.partial):
        loss, options = loss.func, loss.keywords
    function = getattr(loss, "fn", loss)
    name = getattr(function, "__name__", "")
    known = name in _FAMILIES and getattr(keras.losses, name) is function
    from_logits = True in (options.get("from_logits"), getattr(loss, "from_logits", None))
    if not known:
        return LossReading("classes", from_logits) if from_logits else None
    family = _FAMILIES[name]
    if family == "values":
        if not isinstance(loss, keras.losses.Loss):
            loss = _VALUES[name](**options)
        return LossReading(family, loss=loss)
    ignored = options.get("ignore_class")
    axis = options.get("axis") if family == "classes" else None
    return LossReading(family, from_logits, axis, ignored)


def loss_config(loss):
    """A loss of a regression as JSON holds it, with the options that Keras leaves out.

    Args:
        loss: `keras.losses.Loss`.

    Returns:
        dict.
    """
    name = getattr(getattr(loss, "fn", None), "__name__", None)
    if name in _VALUES:
        return {"name": name, **loss_options(loss)}
    return keras.losses.serialize(loss)


def loss_from_config(config):
    """Makes what `loss_config` described.

    Args:
        config: dict.

    Returns:
        `keras.losses.Loss`.
    """
    options = dict(config)
    made = _VALUES.get(options.pop("name", None))
    return made(**options) if made else keras.losses.deserialize(config)
