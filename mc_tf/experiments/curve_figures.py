"""The figures of an experiment on curves, in its directory."""

import os

from mc_tf.ensemble import EnsembleEvaluation

__all__ = ["draw_curves", "draw_ensembles", "draw_pairs", "draw_widths"]


def draw_curves(results, folder, title):
    """Draws train loss and test error, or perplexity and the like, along curves (figure 2).

    Args:
        results: dict from label to `CurveEvaluation`.
        folder: directory for `curves.png` and `curves.svg`.
        title: heading.
    """
    from mc_tf.plots import in_both_formats, plot_curves

    names = next(iter(results.values())).names
    of_test = [name for name in names if name.startswith("test_") and name != "test_loss"]
    quality = "test_error" if "test_error" in names else of_test[0]
    path = os.path.join(folder, "curves")
    in_both_formats(plot_curves, _capitals(results), path, ("train_loss", quality), title=title)


def draw_pairs(results, folder, title):
    """Draws the errors of ensembles of two networks (figure 2, right).

    Args:
        results: dict from label to what `mc_tf.experiments.pairs.evaluate_pairs` returned.
        folder: directory for `pairs.png` and `pairs.svg`.
        title: heading.
    """
    from mc_tf.plots import in_both_formats, plot_pairs

    in_both_formats(plot_pairs, results, os.path.join(folder, "pairs"), title=title)


def draw_ensembles(results, folder, title):
    """Draws curves and the ensembles on them before and after rescaling (figure 6).

    Args:
        results: dict from label to `CurveEvaluation`; the ensembles are in the directory of that
            name, where `mc_tf.experiments.curve_ensembles.compare_curve_ensembles` wrote them.
        folder: directory for `ensembles.png` and `ensembles.svg`.
        title: heading.
    """
    from mc_tf.plots import in_both_formats, plot_curve_ensembles

    ensembles = {
        label: [
            EnsembleEvaluation.load(os.path.join(folder, label, f"ensemble-{name}.npz"))
            for name in ("ensemble", "scaled-ensemble")
        ]
        for label in results
    }
    path = os.path.join(folder, "ensembles")
    found = _capitals(results), path, _capitals(ensembles)
    in_both_formats(plot_curve_ensembles, *found, title=title)


def draw_widths(results, folder, widths, labels, title):
    """Draws the worst loss and the length of curves against the width (figure 7).

    Args:
        results: dict from `"width 2 bezier"` and the like to `CurveEvaluation`.
        folder: directory for `widths.png` and `widths.svg`.
        widths: list of widths.
        labels: list of curves, such as `"bezier"`.
        title: heading.
    """
    from mc_tf.plots import in_both_formats, plot_widths

    series = {label: [results[f"width {width:g} {label}"] for width in widths] for label in labels}
    in_both_formats(plot_widths, series, os.path.join(folder, "widths"), widths, title=title)


def _capitals(results):
    return {label[0].upper() + label[1:]: result for label, result in results.items()}
