r"""The mean prediction of an ensemble beside the network of mean weights (arXiv 1803.05407, 3.5).

Members are drawn together towards their mean weights; prints how far a member's prediction, and the
mean of all, are from that of the mean weights, writes both to OUTPUT.npz and draws OUTPUT.png. The
first falls with the distance of the members, the second with its square, which is why averaging
weights comes close to fast geometric ensembling.

  python bin/eval_mean_prediction.py --members=runs/fge --output=runs/fge/mean-prediction \
      --dataset=mnist --use_test
"""

import data_flags
import evaluation_flags
import flag_checks
import member_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
member_flags.define_member_flags("title")
flags.DEFINE_list("scales", ["1", "0.5", "0.25", "0.125"], "Parts of the members' distances.")


def main(_):
    """Evaluates and draws."""
    from mc_tf import plots
    from mc_tf.experiments.parts import mean_prediction

    if FLAGS.temperature_scaling != "none":
        raise ValueError("--temperature_scaling has no part in this. Leave it out.")
    scales = flag_checks.distinct("scales", float)
    ensemble = member_flags.load_ensemble()
    found = mean_prediction.evaluate_mean_prediction(
        ensemble,
        data_flags.load_data(FLAGS.members or [FLAGS.curve_file]),
        FLAGS.output,
        scales=scales,
        **evaluation_flags.chosen(),
    )
    print(f"{'distance':>10}{'of a member':>14}{'of the mean':>14}")
    names = ("distance", "member_difference", "mean_difference")
    for distance, member, mean in zip(*(found[name] for name in names)):
        print(f"{distance:>10.3f}{member:>14.2e}{mean:>14.2e}")
    plots.save(plots.plot_mean_prediction(found, title=FLAGS.title), f"{FLAGS.output}.png")
    print(f"{FLAGS.output}.npz, {FLAGS.output}.png")


if __name__ == "__main__":
    shared.run(main)
