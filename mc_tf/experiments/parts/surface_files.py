"""Lines, planes and rays from files of networks, evaluated on a data set."""

import os
import re

import numpy as np

from mc_tf.ensemble.members import read_members
from mc_tf.experiments.parts.ensemble_files import find_members, find_network
from mc_tf.landscape import evaluate_grid
from mc_tf.landscape.factory import SURFACES, make_surface
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.training.networks import announcement, check_fits, compile_for, fixed_batch_size
from mc_tf.training.run_directory import runs_around, stored_settings
from mc_tf.weights.compatibility import check_one_network, find_fixed_difference

__all__ = ["common_state", "evaluate_surface", "parse_shard", "surface_from_files"]


def surface_from_files(
    kind, files, *, curve_model=None, marks=None, mark_mean=False, network_file=None, **directions
):
    """Creates a line, plane or rays through networks in files.

    Args:
        kind: see `mc_tf.landscape.factory.make_surface`.
        files: dict from label to file: a network (`.keras`), a snapshot (`.npz`) or weights
            (`.weights.h5`); or to a directory of snapshots or of a run with members, which gives
            one numbered network per member.
        curve_model: `CurveModel`, for `"curve_plane"`.
        marks: dict from label to file of additional networks to project into the surface.
        mark_mean: whether to project the mean of the weights of `files`, too.
        network_file: `.keras` file of the architecture. Default: the first among the files and
            marks, or `model.keras` next to them.
        **directions: other arguments of `make_surface`.

    Returns:
        `Line`, `Plane` or `Rays`.

    Raises:
        FileNotFoundError, ValueError: if a file is missing, damaged or does not match, or as
            `make_surface`.
    """
    marks = marks or {}
    if kind == "rays" and (marks or mark_mean):
        raise ValueError("Networks cannot be marked on rays. Leave the marks out.")
    if mark_mean and not files:
        raise ValueError(f"There are no networks with a mean to mark: '{kind}' has none.")
    if not files and curve_model is None:
        wanted = SURFACES[kind][1] if kind in SURFACES else "networks"
        raise ValueError(f"A surface of kind '{kind}' needs {wanted}. Received: none.")
    network = curve_model.network if curve_model else None
    if network is None:
        network = load_checkpoint(
            network_file or find_network([*files.values(), *marks.values()]), compile=False
        )
        check_one_network(network, "network")
    members = _read(network, files)
    vectors = {label: member.weights for label, member in members.items()}
    surface = make_surface(kind, network, vectors, curve_model, **directions)
    known = {"networks": files, "seeds of networks": _seeds(files), "marked": marks}
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
    if not files:
        return {}
    found = {}
    for label, path in files.items():
        if os.path.isdir(path):
            members = find_members([path])
            found |= {f"{label} {number}": file for number, file in enumerate(members, start=1)}
        else:
            found[label] = path
    return dict(zip(found, read_members(network, list(found.values()))))


def _seeds(files):
    """Returns the seeds of the trainings of networks by label, if known."""
    found = {}
    for label, path in files.items():
        for run in runs_around(path):
            try:
                found.setdefault(label, stored_settings(run.path)["seed"])
            except (OSError, ValueError, TypeError, KeyError):
                continue  # no settings of a run
    return found


def common_state(network, members):
    """Returns the other state of networks; frozen weights must be equal.

    Args:
        network: Keras model of the architecture.
        members: dict from label to `Snapshot`, at least one.

    Returns:
        List of arrays: the state of the first.

    Raises:
        ValueError: naming the first weight that differs, and in which networks.
    """
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


def parse_shard(text):
    """Parses the part of a grid to evaluate.

    Args:
        text: `"I/N"`, or `None`.

    Returns:
        `(I, N)` or `None`.

    Raises:
        ValueError: if it is anything else.

    Example:
        >>> parse_shard("2/4")
        (2, 4)
    """
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if not match:
        raise ValueError(
            f"A shard must be I/N, the I-th of N parts, such as 1/4. Received: '{text}'."
        )
    return int(match[1]), int(match[2])


def evaluate_surface(
    surface,
    data,
    path,
    *,
    shape=21,
    margin=0.2,
    limits=None,
    num_train=None,
    num_test=None,
    batch_size=500,
    shard=None,
    notes=None,
    verbose=1,
    **options,
):
    """Evaluates a surface on a data set, or resumes the evaluation.

    Args:
        surface: from `make_surface`.
        data: data set from `mc_tf.data.load`.
        path: result files without extension.
        shape, margin, limits, shard: see `mc_tf.evaluate_grid`. Random planes and lines extend from
            -1 to 1 and rays from 0 to 10 by default.
        num_train, num_test: numbers of examples to use, from the start. Default: all.
        batch_size: examples per batch, default 500; stateful networks have a fixed batch size.
        notes: dict of additional information to record.
        verbose: 1 for a progress bar.
        **options: other arguments of `evaluate_grid`.

    Returns:
        `GridEvaluation`.

    Raises:
        ValueError, OSError: if the data set does not match the network, or as `evaluate_grid`.
    """
    network = surface.network
    check_fits(network, data)
    compile_for(network, data)
    batch_size = fixed_batch_size(network) or batch_size
    return evaluate_grid(
        None,
        surface,
        data.train_eval_batches(batch_size, num_examples=num_train),
        data.test_batches(batch_size, num_examples=num_test),
        shape=shape,
        margin=margin,
        limits=limits,
        path=path,
        shard=shard,
        description={
            **data.settings,
            "train_examples": num_train or data.num_train,
            "test_examples": num_test or data.num_test,
        },
        notes={**surface.description, **(notes or {})},
        verbose=verbose and announcement(network, data, f"{path}.npz"),
        batch_norm_data=data.batch_norm_data(batch_size, num_examples=num_train),
        **options,
    )
