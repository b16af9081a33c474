r"""Ensembles of two networks on curves, against the distance between them (figure 2, right).

For each curve the ensemble of phi(0) and phi(t) is evaluated on test data at equally spaced t.
Writes OUTPUT-LABEL.npz for each curve and the figure OUTPUT.png.

  python bin/eval_pairs.py --dataset=mnist --use_test --output=runs/pairs --random_segment \
      --curve_files=Segment=runs/segment/curve.keras,Chain=runs/chain/curve.keras
"""

import evaluation_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
evaluation_flags.define_evaluation_flags("num_points", "seed", "title", num_points=21)
flags.DEFINE_list(
    "curve_files", None, "Curves of connect.py: LABEL=FILE or FILE, ...", required=True
)
flags.DEFINE_bool(
    "random_segment",
    False,
    "Also use a random segment from phi(0) of the first curve, of equal length.",
)


def main(_):
    """Evaluates and draws."""
    from mc_tf import plots
    from mc_tf.experiments.parts import curve_ensembles, curve_files

    shared.hold_output(FLAGS.output, ".png")
    curves = shared.labeled(
        FLAGS.curve_files, curve_files.load_curve, lambda one, _: type(one.curve).__name__
    )
    if FLAGS.random_segment:
        first = next(iter(curves.values()))
        curves["Random segment"] = curve_files.random_segment(first, FLAGS.seed)
    on = evaluation_flags.on_data(FLAGS.curve_files)
    results = {}
    for label, curve_model in curves.items():
        path = f"{FLAGS.output}-{label.lower().replace(' ', '-')}"
        errors = curve_ensembles.evaluate_pairs(on, curve_model, path, FLAGS.num_points)
        start, *_, end = errors["pair_error"]
        print(f"{label}: error {start:.2f} % at t = 0, {end:.2f} % at t = 1; {path}.npz")
        results[label] = errors
    plots.save(plots.plot_pairs(results, title=FLAGS.title), f"{FLAGS.output}.png")
    print(f"{FLAGS.output}.png")


if __name__ == "__main__":
    shared.run(main)
