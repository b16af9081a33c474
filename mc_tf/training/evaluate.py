"""Scores of a trained network, as numbers and as a line of text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from mc_tf.callbacks.recurrent_state import ResetRecurrentState
from mc_tf.training.networks import fixed_batch_size

if TYPE_CHECKING:
    from mc_tf.data.dataset import Dataset

__all__ = ["describe", "evaluate_network", "test_score"]


def evaluate_network(
    model: keras.Model, data: "Dataset", batch_size: int = 500
) -> dict[str, float]:
    """Evaluates one compiled network on the test (or validation) data.

    Args:
        model: compiled Keras model.
        data: data set from `mc_tf.data.load`.
        batch_size: examples per batch, default 500; stateful networks have a fixed batch size.

    Returns:
        dict of floats: `loss` and the metrics.
    """
    batches = data.test_batches(fixed_batch_size(model) or batch_size)
    return model.evaluate(batches, verbose=0, return_dict=True, callbacks=[ResetRecurrentState()])


def test_score(scores: Mapping[str, float]) -> tuple[str, float]:
    """Returns the main score of a network.

    Args:
        scores: dict, as from `evaluate_network`.

    Returns:
        `(name, number)`: `"test_error"` in percent, `"test_perplexity"`, or else `"test_loss"`.

    Example:
        >>> test_score({"accuracy": 0.75, "loss": 0.5})
        ('test_error', 25.0)
    """
    if "accuracy" in scores:
        return "test_error", 100 * (1 - scores["accuracy"])
    name = "perplexity" if "perplexity" in scores else "loss"
    return f"test_{name}", scores[name]


def describe(scores: Mapping[str, float]) -> str:
    """Formats scores as one line of text: errors in percent, perplexity, loss.

    Args:
        scores: dict, as from `evaluate_network`.

    Returns:
        str.

    Example:
        >>> describe({"accuracy": 0.9, "top_5_accuracy": 1.0, "loss": 0.5})
        'error 10.00 %, top 5 error 0.00 %, loss 0.5000'
    """
    parts = []
    for name, value in scores.items():
        if name.endswith("accuracy"):
            label = name.replace("accuracy", "error").replace("_", " ")
            parts.append(f"{label} {100 * (1 - value):.2f} %")
        elif name != "loss":
            parts.append(f"{name} {value:.2f}")
    return ", ".join([*parts, f"loss {scores['loss']:.4f}"])
