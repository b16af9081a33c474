r"""Merges the weights of several networks into one: soups, task arithmetic, TIES, DARE.

First evaluates each network, and the networks halfway from the first to the others, with a warning
if these are much worse. Batch normalization statistics are re-estimated on the training examples.
Writes the merged network to OUTPUT.keras. A greedy soup chooses networks by the examples that are
held out without --use_test.

  python bin/merge.py --members=runs/a/model.keras,runs/b/model.keras --output=runs/soup \
      --dataset=mnist --use_test
  python bin/merge.py --members=runs/a/model.keras,runs/b/model.keras --output=runs/ties \
      --method=ties --base=runs/base/model.keras --density=0.2 --dataset=mnist --use_test
"""

import evaluation_flags
import flag_checks
import shared
from absl import flags

FLAGS = flags.FLAGS
evaluation_flags.define_evaluation_flags("network_file")
flags.DEFINE_list(
    "members", None, "Files of networks, or directories of runs or of snapshots.", required=True
)
flags.DEFINE_enum(
    "method",
    "uniform",
    ["uniform", "greedy", "slerp", "task_arithmetic", "ties", "dare", "dare_ties"],
    "How to merge. uniform: the average. greedy: the average of a selection. slerp: spherical "
    "interpolation of two networks. The others add task vectors to the base.",
)
flags.DEFINE_string("base", None, "A .keras file of the network that was fine-tuned.")
flags.DEFINE_bool("align", False, "Put hidden units in the order of --base or the first network.")
flags.DEFINE_float("t", None, "Position from the first to the second network, for slerp.")
flags.DEFINE_float("scale", None, "Factor of the task vectors.")
flags.DEFINE_float("density", None, "Share of each task vector that ties keeps.")
flags.DEFINE_float("drop", None, "Probability to drop an entry of a task vector, for dare.")
flags.DEFINE_integer("seed", 0, "Seed of the entries that dare drops.")
OPTIONS = ("t", "scale", "density", "drop", "seed")


def main(_):
    """Merges the networks and prints scores."""
    import mc_tf
    from mc_tf import training
    from mc_tf.experiments.parts import ensemble_files
    from mc_tf.storage.checkpoints import save_checkpoint

    path = f"{FLAGS.output}.keras"
    shared.hold_output(FLAGS.output, ".keras")
    greedy = FLAGS.method == "greedy"
    flag_checks.only_if(not greedy, "a greedy soup is an average", "base", *OPTIONS)
    if greedy and FLAGS.use_test:
        raise ValueError(
            "--method=greedy chooses networks by held-out examples, not by the test set: leave "
            "--use_test out, for networks that were trained without it."
        )
    on = evaluation_flags.on_data([*FLAGS.members, *filter(None, [FLAGS.base])])
    ensemble = ensemble_files.load_ensemble(FLAGS.members, network=FLAGS.network_file)
    on = on.compiled(ensemble.model)
    common = {"batch_norm_data": on.batch_norm_data(), "align": FLAGS.align}
    common["verbose"] = FLAGS.verbose
    if greedy:
        merged = mc_tf.greedy_soup(ensemble, on.test(), **common)
    else:
        options = {name: FLAGS[name].value for name in OPTIONS if FLAGS[name].present}
        given = {"base": FLAGS.base, "validation": on.test(), **common, **options}
        merged = mc_tf.merge(ensemble, FLAGS.method, **given)
    save_checkpoint(merged, path)
    scores = training.evaluate_network(merged, on.data, on.batch_size)
    print(f"{path}: {on.data.test_name} {training.describe(scores)}")


if __name__ == "__main__":
    shared.run(main)
