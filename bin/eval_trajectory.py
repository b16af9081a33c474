r"""Learning rate, error and distance of networks along a training (figure 3, left).

Needs the directory of a run with --trajectory_every. Writes OUTPUT.npz and the figure OUTPUT.png.

  python bin/fge.py --workdir=runs/fge --checkpoint=runs/a/model.keras --trajectory_every=98 ...
  python bin/eval_trajectory.py --run=runs/fge --output=runs/fge/trajectory-evaluation \
      --dataset=cifar10 --use_test
"""

import evaluation_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
evaluation_flags.define_evaluation_flags("network_file", "title", without=["num_train_examples"])
flags.DEFINE_string("run", None, "Directory of the run, or of snapshots.", required=True)


def main(_):
    """Evaluates and draws."""
    from mc_tf import plots
    from mc_tf.experiments.parts import ensemble_files

    shared.hold_output(FLAGS.output, ".npz", ".png")
    on = evaluation_flags.on_data([FLAGS.run])
    result = ensemble_files.evaluate_trajectory(on, FLAGS.run, FLAGS.output, FLAGS.network_file)
    plots.save(plots.plot_trajectory(result, title=FLAGS.title), f"{FLAGS.output}.png")
    print(f"{len(result['step'])} networks: {FLAGS.output}.npz, {FLAGS.output}.png")


if __name__ == "__main__":
    shared.run(main)
