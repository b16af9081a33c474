r"""Compares mean predictions of an ensemble with mean weights (arXiv 1803.05407, 3.5).

Members are scaled towards their mean weights. Prints the distance of a member's prediction, and of
the mean prediction, from the prediction of the mean weights, writes both to OUTPUT.npz and draws
OUTPUT.png. The first decreases with the distance of the members, the second with its square, which
is why averaging weights approximates fast geometric ensembling.

  python bin/eval_mean_prediction.py --members=runs/fge --output=runs/fge/mean-prediction \
      --dataset=mnist --use_test
"""

import evaluation_flags
import flag_checks
import member_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
member_flags.define_member_flags("title")
flags.DEFINE_list(
    "scales", ["1", "0.5", "0.25", "0.125"], "Scale factors of the members' distances."
)


def main(_):
    """Evaluates and draws."""
    from mc_tf import plots
    from mc_tf.experiments.parts import ensemble_files

    if FLAGS.temperature_scaling != "none":
        raise ValueError("--temperature_scaling has no effect here. Leave it out.")
    scales = flag_checks.distinct("scales", float)
    ensemble = member_flags.load_ensemble()
    on = evaluation_flags.on_data(FLAGS.members or [FLAGS.curve_file])
    differences = ensemble_files.evaluate_mean_prediction(on, ensemble, FLAGS.output, scales)
    print(f"{'distance':>10}{'of a member':>14}{'of the mean':>14}")
    names = ("distance", "member_difference", "mean_difference")
    for distance, member, mean in zip(*(differences[name] for name in names)):
        print(f"{distance:>10.3f}{member:>14.2e}{mean:>14.2e}")
    plots.save(plots.plot_mean_prediction(differences, title=FLAGS.title), f"{FLAGS.output}.png")
    print(f"{FLAGS.output}.npz, {FLAGS.output}.png")


if __name__ == "__main__":
    shared.run(main)
