"""Lines, planes and rays from files of networks, evaluated on a data set."""

import os

import numpy as np

from mc_tf.ensemble.members import read_members
from mc_tf.experiments.parts.curve_files import load_curve
from mc_tf.experiments.parts.ensemble_files import find_members, find_network
from mc_tf.landscape import evaluate_grid
from mc_tf.landscape.factory import check_networks, make_surface
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.training.run_directory import runs_around, stored_settings
from mc_tf.weights.compatibility import check_one_network, find_fixed_difference


def surface_from_files(
    kind, files, *, curve_file=None, marks=None, mark_mean=False, network_file=None, **directions
):
    """Creates a line, plane or rays through networks in files, see `make_surface`.

    Args:
        kind, **directions: arguments of `make_surface`.
        files: dict from label to a file of a network, snapshot or weights; or to a directory of
            snapshots or of a run with members, which gives one numbered network per member.
        curve_file: file of a curve, for `"curve_plane"`.
        marks: dict from label to file of additional networks to project into the surface.
        mark_mean: whether to project the mean of the weights of `files`, too.
        network_file: `.keras` file of the architecture. Default: the first among the files and
            marks, or `model.keras` next to them.
    """
    marks = marks or {}
    if kind == "rays" and (marks or mark_mean):
        raise ValueError("Networks cannot be marked on rays. Leave the marks out.")
    if mark_mean and not files:
        raise ValueError(f"There are no networks with a mean to mark: '{kind}' has none.")
    if not files:
        check_networks(kind, (), curve_file is not None)
    curve_model = load_curve(curve_file) if curve_file else None
    if curve_model:
        network = curve_model.network
    else:
        network_file = network_file or find_network([*files.values(), *marks.values()])
        network = load_checkpoint(network_file, compile=False)
        check_one_network(network, "network")
    members = _read(network, files)
    vectors = {label: member.weights for label, member in members.items()}
    surface = make_surface(kind, network, vectors, curve_model, **directions)
    known = {"networks": files, "seeds of networks": _seeds(files), "marked": marks}
    known["curve"] = curve_file
    surface.description |= {key: value for key, value in known.items() if value}
    if members:
        surface.state = common_state(network, members)
    labels = [*marks, *["mean"][:mark_mean]]
    repeated = [label for label in labels if label in surface.marks or labels.count(label) > 1]
    if repeated:
        raise ValueError(
            f"A mark and a network of the surface have the label '{repeated[0]}'. Choose another."
        )
    for label, member in _read(network, marks).items():
        surface.mark(label, member.weights)
    if mark_mean:
        surface.mark("mean", np.mean(list(vectors.values()), axis=0, dtype="float64"))
    return surface


def _read(network, files):
    """Returns members by label; a directory gives several."""
    paths = {}
    for label, path in files.items():
        if os.path.isdir(path):
            members = find_members([path])
            paths |= {f"{label} {number}": file for number, file in enumerate(members, start=1)}
        else:
            paths[label] = path
    return dict(zip(paths, read_members(network, list(paths.values())))) if paths else {}


def _seeds(files):
    """Returns the seeds of the trainings of networks by label, if known."""
    seeds = {}
    for label, path in files.items():
        for run in runs_around(path):
            try:
                seeds.setdefault(label, stored_settings(run.path)["seed"])
            except (OSError, ValueError, TypeError, KeyError):
                continue  # no settings of a run
    return seeds


def common_state(network, members):
    """Returns the state besides trainable weights, of the first; frozen weights must be equal."""
    first, *labels = members
    for label in labels:
        variable = find_fixed_difference(network, members[first].state, members[label].state)
        if variable is not None:
            raise ValueError(
                f"The frozen weight '{variable.path}' differs between '{first}' and "
                f"'{label}'. Only trainable weights vary on a surface: set `trainable = True` "
                "on its layer before the networks are saved."
            )
    return members[first].state


def evaluate_surface(on, surface, path, **options):
    """Evaluates a surface on data, or resumes; options are of `evaluate_grid`.

    Random planes and lines extend from -1 to 1 and rays from 0 to 10 by default.
    """
    options |= on.compiled(surface.network).arguments(surface.network, path)
    return evaluate_grid(None, surface, notes=surface.description, **options)
