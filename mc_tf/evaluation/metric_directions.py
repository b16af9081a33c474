"""Whether higher values of a metric are better."""

import re

from mc_tf.backend.keras_internals import metric_direction

__all__ = ["directions_of", "higher_is_better"]

_HIGHER = re.compile(
    "acc$|accuracy|auc$|auroc|precision|recall|sensitivity|specificity|f_?1|f_?beta|io_?u"
    "|top_?[k0-9]|r2|similarity|correlation|kappa|dice|jaccard|bleu|rouge|psnr|ssim|hit_?rate"
    "|ndcg|(^|_)m?ap$|score$"
)
_LOWER = re.compile("loss|error|divergence|crossentropy|distance|negative|brier|perplexity")


def higher_is_better(name):
    """Whether higher values of a metric are better, judging by its name.

    Args:
        name: such as `"test_accuracy"` or `"val_loss"`.

    Returns:
        bool; `False` for unknown names.

    Example:
        >>> [higher_is_better(n) for n in ("val_auc", "test_error", "top_5_accuracy", "mine")]
        [True, False, True, False]
    """
    name = name.lower()
    return bool(_HIGHER.search(name)) and not _LOWER.search(name)


def directions_of(model, names):
    """Like `higher_is_better`, but asks the metrics of the model first.

    Args:
        model: compiled Keras model that has been evaluated.
        names: names of values, such as `"test_accuracy"`.

    Returns:
        dict from the names to bools.
    """
    said = {m.name: metric_direction(m) for m in _metrics(model)}
    directions = {}
    for name in names:
        # The longest matching name belongs to the metric itself.
        fits = [m for m in said if said[m] and (name == m or name.endswith(f"_{m}"))]
        said_by = max(fits, key=len, default=None)
        directions[name] = said[said_by] == "up" if said_by else higher_is_better(name)
    return directions


def _metrics(model):
    for metric in getattr(model, "metrics", ()):
        yield metric
        yield from _metrics(metric)
