r"""Evaluates an ensemble: each member, the growing ensemble, and disagreement of members.

Members are snapshots of fge.py and sse.py (directories of runs), files of networks, or networks on
a curve. Class probabilities are averaged. Writes OUTPUT.npz, OUTPUT.json and the members'
predictions to OUTPUT-predictions, so that an additional member costs one pass over the data and the
same command resumes after an interruption; train losses for temperatures to OUTPUT-losses.npz; and
a figure, OUTPUT.png. With --ood_dataset also OUTPUT-outside.npz, with the uncertainty of each
prediction in and out of distribution.

  python bin/eval_ensemble.py --members=runs/fge --output=runs/fge/ensemble --dataset=cifar10 \
      --use_test
  python bin/eval_ensemble.py --curve_file=runs/chain/curve.keras --num_points=50 \
      --temperature_scaling=train_loss --output=runs/chain/ensemble --dataset=cifar10 --use_test
  python bin/eval_ensemble.py --members=runs/fge --output=runs/fge/blurred --dataset=cifar10 \
      --use_test --corruption=blur:3 --ood_dataset=mnist
"""

import data_flags
import evaluation_flags
import member_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
member_flags.define_member_flags()
flags.DEFINE_string(
    "corruption",
    None,
    "KIND:STRENGTH, corruption of the test images: rotation, noise, blur or contrast, from 1 to 5.",
)
flags.DEFINE_string(
    "ood_dataset",
    None,
    "Data set of images out of distribution, such as mnist. Its test images are resized, and "
    "AUROC, AUPR and FPR at 95 % TPR of their detection by uncertainty are printed.",
)
SHOWN = ("error", "accuracy", "loss", "calibration_error")  # in the table


def main(_):
    """Evaluates the ensemble and prints the table."""
    from mc_tf import plots
    from mc_tf.experiments.parts import ensemble_files, shifted_data

    shared.hold_output(FLAGS.output, ".npz", ".json", ".png")
    if FLAGS.temperature_scaling == "fitted" and not FLAGS.use_test:
        raise ValueError(
            "--temperature_scaling=fitted fits temperatures to the held-out examples, so the "
            "ensemble is evaluated on the test set: give --use_test, for networks that were "
            "trained without it."
        )
    ensemble = member_flags.load_ensemble(in_files=True, path=FLAGS.output)
    on = evaluation_flags.on_data(FLAGS.members or [FLAGS.curve_file])
    if FLAGS.corruption:
        on = shifted_data.corrupted_data(on, FLAGS.corruption)
    if FLAGS.ood_dataset:
        whole = {"use_test": True, "normalization": None, "num_test_examples": None}
        other = data_flags.load_data(dataset=FLAGS.ood_dataset, **whole)
        shifted_data.check_images(other, "--ood_dataset")
    result = ensemble_files.evaluate_ensemble(on, ensemble, FLAGS.output)
    print(result.table())
    if result.mean_disagreement == result.mean_disagreement:  # not for a regression
        print(f"mean disagreement of two members {100 * result.mean_disagreement:.2f} %")
    more = {name: value for name, value in result.scores.items() if name not in SHOWN}
    shown = (f"{name.replace('_', ' ')} {value:.4f}" for name, value in more.items())
    print(f"whole ensemble: {', '.join(shown)}")
    if FLAGS.ood_dataset:
        path = f"{FLAGS.output}-outside"
        outside = shifted_data.evaluate_outside(on, ensemble, result, other, path)
        print(f"{outside.table()}\n{path}.npz")
    plots.save(result.plot(), f"{FLAGS.output}.png")
    print(f"{FLAGS.output}.npz, {FLAGS.output}.json, {FLAGS.output}.png")


if __name__ == "__main__":
    shared.run(main)
