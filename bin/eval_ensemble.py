r"""Evaluates an ensemble: each member, the growing ensemble, and disagreement of members.

Members are snapshots of fge.py and sse.py (directories of runs), files of networks, or networks on
a curve. Class probabilities are averaged. Writes OUTPUT.npz, OUTPUT.json and the members'
predictions to OUTPUT-predictions, so that an additional member costs one pass over the data and the
same command resumes after an interruption; train losses for temperatures to OUTPUT-losses.npz; and
a figure, OUTPUT.png.

  python bin/eval_ensemble.py --members=runs/fge --output=runs/fge/ensemble --dataset=cifar10 \
      --use_test
  python bin/eval_ensemble.py --curve_file=runs/chain/curve.keras --num_points=50 \
      --temperature_scaling=train_loss --output=runs/chain/ensemble --dataset=cifar10 --use_test
"""

import evaluation_flags
import member_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
member_flags.define_member_flags()


def main(_):
    """Evaluates the ensemble and prints the table."""
    from mc_tf import plots
    from mc_tf.experiments.parts import ensemble_files

    shared.hold_output(FLAGS.output, ".npz", ".json", ".png")
    if FLAGS.temperature_scaling == "fitted" and not FLAGS.use_test:
        raise ValueError(
            "--temperature_scaling=fitted fits temperatures to the held-out examples, so the "
            "ensemble is evaluated on the test set: give --use_test, for networks that were "
            "trained without it."
        )
    ensemble = member_flags.load_ensemble(in_files=True, path=FLAGS.output)
    on = evaluation_flags.on_data(FLAGS.members or [FLAGS.curve_file])
    result = ensemble_files.evaluate_ensemble(on, ensemble, FLAGS.output)
    print(result.table())
    if result.mean_disagreement == result.mean_disagreement:  # not for a regression
        print(f"mean disagreement of two members {100 * result.mean_disagreement:.2f} %")
    plots.save(result.plot(), f"{FLAGS.output}.png")
    print(f"{FLAGS.output}.npz, {FLAGS.output}.json, {FLAGS.output}.png")


if __name__ == "__main__":
    shared.run(main)
