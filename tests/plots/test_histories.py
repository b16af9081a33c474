"""Learning curves: the lines drawn for each training run."""

import numpy as np
import pytest

from mc_tf.plots.histories import plot_histories


def test_learning_curves():
    history = {"loss": [2.0, 1.0], "accuracy": [0.5, 0.75], "val_accuracy": [0.25, 0.5]}
    histories = {"a": history, "b": {"loss": np.array([3.0])}}
    figure = plot_histories(histories, held_out="test")
    loss, error = figure.axes
    assert [list(line.get_ydata()) for line in loss.get_lines()][:2] == [[2.0, 1.0], [3.0]]
    assert [list(line.get_ydata()) for line in error.get_lines()] == [[50, 25], [75, 50]]
    assert [line.get_linestyle() for line in error.get_lines()] == ["-", "--"]
    assert list(error.get_lines()[0].get_xdata()) == [1, 2]
    assert (loss.get_ylabel(), error.get_ylabel()) == ("Loss", "Error (%)")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["a", "b", "on test data"]


def test_a_text_network_has_a_perplexity():
    (_, axis) = plot_histories({"a": {"loss": [2.0], "perplexity": [7.5]}}).axes
    assert axis.get_ylabel() == "Perplexity"


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_histories({"a": {"loss": [np.nan]}})
