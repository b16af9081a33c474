r"""Draws figures from result files: curves, surfaces in weight space, ensembles.

No network is loaded. Labels are optional. Pairs, ensembles by epochs (files NAME-epochs.npz of a
recipe), and scores on corrupted images, with equal labels are repetitions: their mean and one
standard deviation are drawn.

  python bin/plot.py KIND --results=LABEL=FILE.npz,LABEL=FILE.npz --figure=FIGURE.png
  python bin/plot.py plane --results=runs/plane.npz --max_value=5 --figure=runs/plane.png
  python bin/plot.py film --results="epoch 1=runs/1.npz,epoch 2=runs/2.npz" --figure=runs/film.gif
  python bin/plot.py widths --results='Bezier=runs/a/width-{}/bezier/evaluation.npz' \
      --widths=1,2,4 --figure=runs/widths.png

KIND is one of these; the named program, or a recipe, writes the result files:

"""

import math
import os

import flag_checks
import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list("results", None, "LABEL=FILE.npz, ...")
flags.DEFINE_string(
    "figure",
    None,
    "File: .png, .svg, .pdf; for a film: .gif, .mp4. Without extension: PNG and SVG.",
)
flags.DEFINE_string("title", None, "Heading.")
flags.DEFINE_list(
    "values",
    None,
    "Values to draw. Default: train_loss; for curve and line also errors; barriers: test values.",
)
flags.DEFINE_list("levels", [], "Number of levels, or increasing limits. Default: 8.")
flags.DEFINE_float(
    "max_value", None, "Lower limit of the top level, or upper limit of the loss axis."
)
flags.DEFINE_bool("heat_map", False, "Color each point of the grid, without contours.")
flags.DEFINE_string("functions", None, "File with x, y, grid, predictions, t of a regression.")
flags.DEFINE_string("axis_label", "coordinate on the line", "Label of the horizontal axis.")
flags.DEFINE_enum("scale", "log", ["log", "linear"], "Scale of the height.")
flags.DEFINE_float("elevation", 55, "Angle of view above the plane, in degrees.")
flags.DEFINE_float("azimuth", -70, "Angle of view around the plane, in degrees.")
flags.DEFINE_float("frames_per_second", 5, "Speed.", lower_bound=0.01)
flags.DEFINE_list("ensembles", None, "LABEL=FILE.npz, ... of eval_ensemble.py.")
flags.DEFINE_list("scaled_ensembles", None, "Like --ensembles, with temperatures.")
flags.DEFINE_list("widths", None, "Widths K, such as 1,2,4, to replace {} in --results.")
flags.DEFINE_list("layers", None, "Names of layers to replace {} in --results.")

KINDS = {  # program that writes the files, flags, description
    "curve": ("eval_curve.py", "values", "losses and errors along curves (figure 2)"),
    "line": ("eval_grid.py", "values max_value axis_label", "lines, or rays (figure 5)"),
    "plane": ("eval_grid.py", "values levels max_value heat_map functions", "maps of planes"),
    "surface": ("eval_grid.py", "values max_value scale elevation azimuth", "a plane in 3D"),
    "film": ("eval_grid.py", "values levels max_value frames_per_second", "a curve in training"),
    "ensembles": ("eval_ensemble.py", "", "error of growing ensembles (figure 3, right)"),
    "reliability": ("eval_ensemble.py", "", "accuracy by confidence of ensembles"),
    "risk_coverage": ("eval_ensemble.py", "", "error of the most certain predictions"),
    "corruptions": ("a recipe on uncertainty", "", "scores on corrupted images by strength"),
    "curve_ensembles": ("eval_curve.py", "ensembles scaled_ensembles", "curves and ensembles"),
    "pairs": ("eval_pairs.py", "", "ensembles of two networks on a curve (figure 2, right)"),
    "simplex": ("a recipe on simplexes", "", "volume and errors by number of vertices"),
    "trajectory": ("eval_trajectory.py", "", "one training in cycles (figure 3, left)"),
    "mean_prediction": ("eval_mean_prediction.py", "", "mean prediction and mean weights"),
    "barrier": ("eval_barrier.py", "values", "losses and errors along segments"),
    "barriers": ("eval_barrier.py", "values widths axis_label", "heights of barriers by width"),
    "layers": ("eval_barrier.py", "values layers", "one layer at a time on a segment"),
    "widths": ("eval_curve.py", "widths", "train loss and length of curves by width (figure 7)"),
}
_names = " ".join(names for _, names, _ in KINDS.values()).split()
TAKEN = {name: [kind for kind in KINDS if name in KINDS[kind][1].split()] for name in _names}
ONE_FILE = ("surface", "trajectory", "mean_prediction")
BUDGETS = "a recipe that compares ensembles"
ARRAYS = {  # descriptions of other files, and their arrays
    "eval_pairs.py": ("errors of pairs", "t pair_error"),
    "eval_trajectory.py": ("a trajectory", "step learning_rate error distance_from_start"),
    "eval_mean_prediction.py": ("a mean prediction", "distance member_difference mean_difference"),
    "a recipe on uncertainty": ("scores on corrupted images", "strength error calibration_error"),
    "a recipe on simplexes": (
        "errors of simplexes",
        "vertices volume error ensemble_error network_error",
    ),
    BUDGETS: ("errors by epochs", "epochs error member_error"),
}
for _name, _kinds in TAKEN.items():
    FLAGS[_name].help = f"For {', '.join(_kinds)}: {FLAGS[_name].help}"
__doc__ += "".join(f"  {kind:<16} {what}: {maker}\n" for kind, (maker, _, what) in KINDS.items())


def check(kind=None):
    """Rejects an unknown kind of figure, and flags that it does not support."""
    if kind not in KINDS:
        raise ValueError(f"plot.py draws one of: {', '.join(KINDS)}. Received: {kind or 'none'}.")
    for name, kinds in TAKEN.items():
        flag_checks.only_if(kind in kinds, f"it is for {', '.join(kinds)}", name)
    for name in ("results", "figure", "ensembles", "scaled_ensembles", "widths", "layers"):
        if kind in TAKEN.get(name, KINDS) and not FLAGS[name].value:
            raise ValueError(f"plot.py {kind} needs --{name}; see --help.")
    contours = ("levels", "max_value", "functions")
    flag_checks.only_if(not FLAGS.heat_map, "a --heat_map has none", *contours)
    flag_checks.only_if(not FLAGS.functions, "--functions has none", "levels")
    if (kind in ONE_FILE or FLAGS.functions) and len(FLAGS.results) > 1:
        flag = "--functions" if FLAGS.functions else "--results"
        raise ValueError(f"{flag} takes one file. Received: {', '.join(FLAGS.results)}.")
    one = kind not in ("curve", "line", "barrier", "barriers", "layers")
    if FLAGS.values == [] or one and len(FLAGS.values or ()) > 1:
        what, given = "one name" if one else "names", ",".join(FLAGS.values)
        raise ValueError(f"--values takes {what} here. Received: --values={given}.")


def levels():
    """`--levels`: `None`, a number of levels, or increasing limits."""
    texts = FLAGS.levels
    try:
        numbers = [int(texts[0])] if len(texts) == 1 else [float(text) for text in texts]
        if len(texts) == 1 and not 1 <= numbers[0] <= 1000 or not all(map(math.isfinite, numbers)):
            raise ValueError("out of range")
    except ValueError as error:
        raise ValueError(
            "--levels takes a number of levels, such as 8, or increasing limits, such as "
            f"0.1,0.5,2. Received: {','.join(texts)}."
        ) from error
    return numbers[0] if len(numbers) == 1 else numbers or None


def load(maker, file):
    """Loads a result file, or a list of result files if `{}` represents a width or a layer."""
    from mc_tf import CurveEvaluation, GridEvaluation
    from mc_tf.ensemble import EnsembleEvaluation
    from mc_tf.storage.files import read_arrays

    if maker in ARRAYS:
        what, names = ARRAYS[maker]
        return read_arrays(file, names.split(), what, maker)
    widths = flag_checks.numbers("widths", float) if FLAGS.widths else ()
    places = FLAGS.layers or [f"{width:g}" for width in widths]
    if not places:
        kinds = {"eval_grid.py": GridEvaluation}
        kinds |= dict.fromkeys(("eval_curve.py", "eval_barrier.py"), CurveEvaluation)
        return kinds.get(maker, EnsembleEvaluation).load(file)
    if "{}" not in file:
        what = "layer" if FLAGS.layers else "width"
        raise ValueError(f"--results needs {{}} in the place of the {what}. Received: {file}")
    return [CurveEvaluation.load(file.replace("{}", place)) for place in places]


def load_ensembles():
    """Ensembles without and with temperatures, by label."""
    before, after = (
        shared.labeled(entries, lambda file: load("eval_ensemble.py", file), shared.stem)
        for entries in (FLAGS.ensembles, FLAGS.scaled_ensembles)
    )
    if before.keys() != after.keys():
        labels = f"{', '.join(before)} and {', '.join(after)}"
        raise ValueError(f"--ensembles and --scaled_ensembles need the same labels, not {labels}.")
    return {label: (before[label], after[label]) for label in before}


def main(arguments):
    """Draws the figure."""
    from mc_tf import plots
    from mc_tf.storage.destinations import check_figure

    kind = arguments[1]
    maker, _, _ = KINDS[kind]
    if kind == "ensembles" and all(entry.endswith("-epochs.npz") for entry in FLAGS.results):
        kind, maker = "budgets", BUDGETS
    label = shared.stem if kind != "curve" else lambda one, file: one.description.get("curve", file)
    limits = levels()
    if os.path.splitext(FLAGS.figure)[1]:
        check_figure(FLAGS.figure, ("gif", "mp4") if kind == "film" else None)
    repeated = kind in ("pairs", "budgets", "corruptions", "simplex")
    results = shared.labeled(FLAGS.results, lambda file: load(maker, file), label, repeated)
    (first, *more), to = results.values(), {"title": FLAGS.title}
    values = FLAGS.values or ("train_loss", "test_error")
    on_plane = {"value": values[0], "maximum": FLAGS.max_value} | to
    match kind:
        case "curve":
            figure = plots.plot_curves(results, names=values, **to)
        case "line" if all(result.surface == "Rays" for result in results.values()):
            flag_checks.only_if(False, "they are for lines, not rays", "max_value", "axis_label")
            figure = plots.plot_rays(results, values=values, **to)
        case "line":
            of_line = {"maximum": FLAGS.max_value, "label": FLAGS.axis_label}
            figure = plots.plot_line(results, values=FLAGS.values, **of_line, **to)
        case "plane" if FLAGS.heat_map:
            figure = plots.plot_heat_map(results, value=values[0], **to)
        case "plane" if FLAGS.functions:
            figure = plots.plot_regression(first, FLAGS.functions, **on_plane)
        case "plane":
            figure = plots.plot_plane(results, levels=limits, **on_plane)
        case "surface":
            view = (FLAGS.elevation, FLAGS.azimuth)
            figure = plots.plot_surface(first, scale=FLAGS.scale, view=view, **on_plane)
        case "film":
            on_plane |= {"levels": limits, "frames_per_second": FLAGS.frames_per_second}
            frames, labels = ([first, *more], list(results)) if more else (first, None)
            figure = plots.plot_film(frames, labels=labels, **on_plane)
        case "curve_ensembles":
            figure = plots.plot_curve_ensembles(results, ensembles=load_ensembles(), **to)
        case "widths":
            figure = plots.plot_widths(results, widths=flag_checks.numbers("widths", float), **to)
        case "barrier":
            figure = plots.plot_barrier(results, names=FLAGS.values, **to)
        case "barriers":
            by = {"positions": flag_checks.numbers("widths", float), "names": FLAGS.values}
            label = FLAGS.axis_label if FLAGS["axis_label"].present else "width"
            figure = plots.plot_barriers(results, label=label, **by, **to)
        case "layers":
            layers = {
                layer: {key: several[k] for key, several in results.items()}
                for k, layer in enumerate(FLAGS.layers)
            }
            figure = plots.plot_layers(layers, names=FLAGS.values, **to)
        case _:
            figure = getattr(plots, f"plot_{kind}")(first if kind in ONE_FILE else results, **to)
    plots.save(figure, FLAGS.figure)
    print(FLAGS.figure)


if __name__ == "__main__":
    renamed = {"value": "--values", "output": "--figure"}
    shared.run(main, positional=1, first=check, renamed=renamed)
