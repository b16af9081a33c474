"""Surfaces that can be turned and read out with the pointer, where plotly is installed."""

import html
import json

import numpy as np

from mc_tf.landscape.results import GridEvaluation
from mc_tf.plots.marks import inside, off_plane, path_style
from mc_tf.plots.style import value_label
from mc_tf.plots.surface_3d import between, dense, height_scale, plot_surface
from mc_tf.reports.figures import embedded, in_grid, picture, without_frames

__all__ = ["plotly_script", "surface", "surface_figures"]

_MOST = 8  # surfaces that can be turned: browsers draw no more than 16 at a time
_EYE = {"x": 0.65, "y": -1.75, "z": 1.6}
_BUTTONS = ["toImage", "zoom3d", "pan3d", "orbitRotation", "resetCameraDefault3d"]
_OPTIONS = {
    "displaylogo": False,
    "responsive": True,
    "scrollZoom": False,  # so that the page can be scrolled across it
    "modeBarButtons": [_BUTTONS],
}


def plotly_script():
    """The source of plotly.js.

    Returns:
        str, about 4.5 MB; empty where plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        return ""
    return get_plotlyjs()


def surface_figures(found):
    """The loss over each plane, as a surface.

    Args:
        found: `Found`.

    Returns:
        str, HTML; with plotly.js in it, if that is installed and there is a surface.
    """
    planes = {
        name: result
        for name, result in without_frames(found.of(GridEvaluation)).items()
        if result.surface == "Plane" and result.complete and "train_loss" in result.names
    }
    script = plotly_script() if planes else ""
    parts = []
    for index, (name, result) in enumerate(planes.items()):
        try:
            content, turned = picture(plot_surface(result)), ""
            if script and index < _MOST:
                turned = _turned(index, surface(result))
            parts.append(embedded(content, "image/png", f"The train loss over {name}", turned))
        except ValueError:  # the error of its map says why
            continue
    if not parts or not script:
        return in_grid(parts)
    return f"<script>{script}</script>\n<script>{_DRAW}</script>\n{in_grid(parts)}"


_DRAW = """
function turn(id, data, layout, options) {
  var box = document.getElementById(id), figure = box.parentNode;
  figure.className += " live";
  try {
    Plotly.newPlot(box, data, layout, options).catch(function () { still(figure); });
  } catch (error) { still(figure); }
}
function still(figure) { figure.className = figure.className.replace(" live", ""); }
"""


def _turned(index, drawn):
    """A place on the page, and the call that draws a surface in it."""
    # No text in it can end the script: "<" is only in strings.
    parts = [_as_json(part) for part in (f"surface-{index}", *drawn, _OPTIONS)]
    call = f"turn({', '.join(parts)});"
    return f'<div class="turned" id="surface-{index}"></div><script>{call}</script>'


def _as_json(content):
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")


def surface(result, value="train_loss"):
    """A plane as plotly draws it: the same heights, curves and networks as `plot_surface`.

    Args:
        result: complete `GridEvaluation` of a `Plane`.
        value: name of the value.

    Returns:
        `(data, layout)`: plain lists and dicts.

    Raises:
        ValueError: as for `plot_surface`.
    """
    to_height, ticks = height_scale(result[value])
    label, lift = value_label(value, [result]), 0.01 * np.ptp(to_height(result[value]))
    read = f"x %{{x:.3g}}, y %{{y:.3g}}<br>{html.escape(label)} %{{customdata:.4g}}<extra></extra>"
    data = [
        {
            "type": "surface",
            "x": _listed(result.axes[0]),
            "y": _listed(result.axes[1]),
            "z": _listed(to_height(result[value]).T),
            "customdata": _listed(result[value].T),
            "hovertemplate": read,
            "colorscale": "Viridis",
            "reversescale": True,
            "showscale": False,
        }
    ]
    for number, (name, places) in enumerate(result.paths.items()):
        style, places = path_style(result, name, number), dense(places)
        places = places[inside(result, places)]
        line = {"width": 6, "color": style["color"]}
        line["dash"] = "dash" if style["linestyle"] == "--" else "solid"
        more = {"mode": "lines", "line": line, "name": html.escape(style["label"])}
        data.append(_above(result, value, places, to_height, lift) | more)
    marks = {name: place for name, place in result.marks.items() if inside(result, place)}
    if marks:
        above = _above(result, value, np.array(list(marks.values())), to_height, 2 * lift)
        symbols = ["circle-open" if off_plane(result, name) else "circle" for name in marks]
        marker = {"size": 5, "color": "black", "symbol": symbols}
        texts = {"text": [html.escape(name) for name in marks], "textposition": "top center"}
        data.append(above | texts | {"mode": "markers+text", "marker": marker, "showlegend": False})
    return data, _layout(result, label, to_height, ticks)


def _above(result, value, places, to_height, lift):
    """Places on the surface, a little above it so that they are seen."""
    values = between(result.axes, result[value], places)
    x, y = map(_listed, np.transpose(places)) if len(places) else ([], [])
    return {
        "type": "scatter3d",
        "x": x,
        "y": y,
        "z": _listed(to_height(values) + lift),
        "customdata": _listed(values),
        "hovertemplate": "%{customdata:.4g}",
    }


def _layout(result, label, to_height, ticks):
    """Axes, view and size."""
    width, height = (float(np.ptp(axis)) for axis in result.axes)
    ratio = min(max(height / width, 0.5), 2)
    heights = {
        "tickvals": _listed(to_height(np.array(ticks))),
        "ticktext": [f"{t:g}" for t in ticks],
    }
    return {
        "scene": {
            "xaxis": {"title": {"text": "coordinate x"}},
            "yaxis": {"title": {"text": "coordinate y"}},
            "zaxis": {"title": {"text": html.escape(label)}, **heights},
            "aspectmode": "manual",
            "aspectratio": {"x": 1, "y": ratio, "z": 0.7},
            "camera": {"eye": _EYE, "center": {"x": 0, "y": 0, "z": -0.15}},
        },
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "legend": {"orientation": "h", "y": 0},
        "paper_bgcolor": "white",
        "font": {"family": "system-ui, sans-serif", "color": "#1a1a1a"},
        "height": 480,
    }


def _listed(array):
    """Numbers as lists; None for numbers that are not finite, which JSON does not know."""
    array = np.asarray(array, "float64")
    return np.where(np.isfinite(array), array, None).tolist()
