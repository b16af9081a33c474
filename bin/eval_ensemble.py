r"""Evaluates an ensemble: each member, the ensemble as it grows, and how much members differ.

Members are snapshots of fge.py and sse.py (directories of runs), files of networks, or equally
spaced networks on a curve. Class probabilities are averaged. Writes OUTPUT.npz, OUTPUT.json and the
members' predictions to OUTPUT-predictions, so that one more member costs one more pass over the
data and the same command goes on after an interruption; and a figure, OUTPUT.png.

  python bin/eval_ensemble.py --members=runs/fge --output=runs/fge/ensemble --dataset=cifar10 \
      --use_test
  python bin/eval_ensemble.py --curve_file=runs/chain/curve.keras --num_points=50 \
      --temperature_scaling --output=runs/chain/ensemble --dataset=cifar10 --use_test
"""

import data_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
data_flags.define_data_flags()
flags.DEFINE_list("members", [], "Directories of runs or of snapshots, or files of networks.")
flags.DEFINE_bool("include_start", False, "Also the network with which each run began.")
flags.DEFINE_string("network_file", None, "A .keras file of the network. Default: found there.")
flags.DEFINE_string("curve_file", None, "Instead of members: file that connect.py wrote.")
flags.DEFINE_integer("num_points", 50, "Equally spaced positions on the curve.", lower_bound=2)
flags.DEFINE_bool("temperature_scaling", False, "Of a curve: temperatures from train losses.")
flags.DEFINE_integer(
    "num_train_examples", None, "Of a curve: use the first training examples.", lower_bound=1
)
flags.DEFINE_string("output", None, "Result files without ending.", required=True)
flags.DEFINE_integer("batch_size", 500, "Examples a batch.", lower_bound=1)
flags.DEFINE_integer("verbose", 1, "1 for a progress bar, 0 for none.")


def main(_):
    """Evaluates and prints the table."""
    import os

    from mc_tf import curve_ensembles, ensembling, experiment, plots
    from mc_tf.files import check_writable

    if bool(FLAGS.members) == bool(FLAGS.curve_file):
        raise ValueError("Give either --members or --curve_file.")
    check_writable(os.path.dirname(os.path.abspath(FLAGS.output)))
    if FLAGS.curve_file:
        curve_model = experiment.load_curve(FLAGS.curve_file)
        data = data_flags.load_data()
        ensemble = curve_ensembles.curve_ensemble(
            curve_model,
            data,
            FLAGS.num_points,
            scale=FLAGS.temperature_scaling,
            batch_size=FLAGS.batch_size,
            num_train=FLAGS.num_train_examples,
        )
    else:
        ensemble = ensembling.load_ensemble(
            FLAGS.members, FLAGS.include_start, FLAGS.network_file, in_files=True
        )
        data = data_flags.load_data()
    result = ensembling.evaluate_ensemble(
        ensemble, data, FLAGS.output, batch_size=FLAGS.batch_size, verbose=FLAGS.verbose
    )
    print(result.table())
    print(f"mean disagreement of two members {100 * result.mean_disagreement:.2f} %")
    plots.plot_ensembles({"": result}, f"{FLAGS.output}.png")
    print(f"{FLAGS.output}.npz, {FLAGS.output}.json, {FLAGS.output}.png")


if __name__ == "__main__":
    shared.run(main)
