r"""Evaluates loss and error on a line, a plane or rays in weight space (figures 1, 4 and 5).

At each point the batch normalization statistics are re-estimated, and train loss (with the L2
term), train error, test loss and test error are computed. Writes OUTPUT.npz during the evaluation,
and OUTPUT.json. Run the same command again to resume after an interruption. --shard=I/N evaluates a
part, in a separate process or machine, and --merge=N merges the parts. Plot the result with
plot.py: plane, line, surface or film.

  python bin/eval_grid.py --surface=plane --networks=A=runs/a/model.keras,B=runs/b/model.keras,\
C=runs/c/model.keras --output=runs/plane --dataset=mnist --use_test --num_train_examples=5000
  python bin/eval_grid.py --surface=curve_plane --curve_file=runs/bezier/curve.keras \
      --output=runs/bezier/plane --dataset=mnist --use_test
"""

import math
import re

import evaluation_flags
import flag_checks
import settings_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
MOST_POINTS = 10_000_000
evaluation_flags.define_evaluation_flags("curve_file", "network_file", "seed")
flags.DEFINE_enum(
    "surface",
    "plane",
    ["plane", "line", "curve_plane", "trajectory", "random_plane", "random_line", "rays"],
    "Plane through three networks; line through two; plane of a curve; plane of largest variation "
    "of a training trajectory; or plane, line or rays in random directions from one network.",
)
flags.DEFINE_list("networks", [], "LABEL=FILE, ...; a directory of a run means its members.")
flags.DEFINE_list("marks", [], "LABEL=FILE, ... of more networks to mark in the surface.")
flags.DEFINE_bool("mark_mean", False, "Also mark the mean of --networks.")
flags.DEFINE_list("shape", ["21"], "Points on each axis: N, or N,M for a plane.")
flags.DEFINE_list(
    "limits", [], "LOW,HIGH of each axis, instead of --margin. Random directions: -1,1; rays: 0,10."
)
flags.DEFINE_enum(
    "direction_scale",
    "filter",
    ["filter", "layer", "weight", "unit", "none"],
    "Normalization of random directions; rays have length one.",
)
settings_flags.define_flags(
    "mc_tf.experiments.steps.surfaces.Grid",
    ("margin", "num_rays", "ignore", "eigenvalues", "eigenvalue_tolerance"),
)
flags.DEFINE_string(
    "shard", None, "I/N: evaluate only the I-th of N parts, I from 1.", allow_overwrite=False
)
flags.DEFINE_integer("merge", None, "Merge N parts evaluated before.", lower_bound=1)


def main(_):
    """Evaluates the grid, or merges its parts."""
    from mc_tf import GridEvaluation
    from mc_tf.experiments.parts import surface_files
    from mc_tf.landscape.results import shard_path

    if FLAGS.merge and FLAGS.shard:
        raise ValueError("--merge joins parts and --shard evaluates one. Use one of the two.")
    if FLAGS.merge:
        result = GridEvaluation.merge(FLAGS.output, FLAGS.merge)
    else:
        _check_used()
        shard = _shard()
        shared.hold_output(shard_path(FLAGS.output, shard), ".npz", ".json")
        shape = flag_checks.numbers("shape", int, low=1, high=100_000)
        limits = flag_checks.numbers("limits", float)
        pairs = list(zip(limits[::2], limits[1::2]))
        if len(limits) % 2 or any(low >= high for low, high in pairs):
            raise ValueError(
                "--limits must be LOW,HIGH of each axis, LOW below HIGH. Received: "
                f"--limits={','.join(map(str, limits))}."
            )
        if math.prod(shape) > MOST_POINTS:
            raise ValueError(
                f"--shape must have at most {MOST_POINTS} points in total, one network each. "
                f"Received: --shape={','.join(map(str, shape))}."
            )
        files, marks = (
            shared.labeled(FLAGS[name].value, str, shared.stem) for name in ("networks", "marks")
        )
        surface = surface_files.surface_from_files(
            FLAGS.surface,
            files,
            curve_file=FLAGS.curve_file,
            marks=marks,
            mark_mean=FLAGS.mark_mean,
            network_file=FLAGS.network_file,
            normalization=None if FLAGS.direction_scale == "none" else FLAGS.direction_scale,
            ignore=FLAGS.ignore,
            num_rays=FLAGS.num_rays,
            seed=FLAGS.seed,
        )
        curve_file = [FLAGS.curve_file] if FLAGS.curve_file else []
        result = surface_files.evaluate_surface(
            evaluation_flags.on_data([*files.values(), *marks.values(), *curve_file]),
            surface,
            FLAGS.output,
            shape=shape[0] if len(shape) == 1 else shape,
            margin=FLAGS.margin,
            limits=pairs or None,
            shard=shard,
            eigenvalues=FLAGS.eigenvalues,
            eigenvalue_options={"tolerance": FLAGS.eigenvalue_tolerance},
        )
    print(result.table() if result.complete else f"part {FLAGS.shard} is evaluated")
    print(FLAGS.output)


def _shard():
    """`--shard=2/4` as `(2, 4)`."""
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", FLAGS.shard or "")
    if FLAGS.shard is not None and not match:
        raise ValueError(
            f"A shard must be I/N, the I-th of N parts, such as 1/4. Received: '{FLAGS.shard}'."
        )
    return match and (int(match[1]), int(match[2]))


def _check_used():
    """Rejects flags that have no effect on the chosen surface."""
    only_if, random = flag_checks.only_if, FLAGS.surface in ("random_plane", "random_line", "rays")
    only_if(random, "no direction is random", "seed", "direction_scale", "ignore")
    only_if(FLAGS.surface == "rays", "it is for --surface=rays", "num_rays")
    only_if(FLAGS.surface == "curve_plane", "it is for --surface=curve_plane", "curve_file")
    only_if(FLAGS.eigenvalues, "it is for --eigenvalues", "eigenvalue_tolerance")
    only_if(not FLAGS.limits, "--limits set the extent of the grid", "margin")


if __name__ == "__main__":
    shared.run(main, renamed={"num_examples": "--num_train_examples and --num_test_examples"})
