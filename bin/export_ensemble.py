r"""Writes an ensemble as one TensorFlow SavedModel, for TensorFlow Serving or bare TensorFlow.

Its signature serving_default accepts batches of any size and returns class probabilities, the class
and the share of members that disagree with it.

  python bin/export_ensemble.py --members=runs/fge --saved_model=runs/fge/served
  python bin/export_ensemble.py --curve_file=runs/chain/curve.keras --num_points=50 \
      --temperature_scaling=fitted --saved_model=runs/chain/served --dataset=cifar10
"""

import member_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
member_flags.define_member_flags(required=())
flags.DEFINE_string("saved_model", None, "Directory of the SavedModel to write.", required=True)


def main(_):
    """Exports the ensemble."""
    from mc_tf.ensemble.export import check_destination
    from mc_tf.training.networks import announcement

    check_destination(FLAGS.saved_model)
    ensemble = member_flags.load_ensemble()
    print(announcement(ensemble.model, None, FLAGS.saved_model), flush=True)
    ensemble.export(FLAGS.saved_model)
    print(f"{FLAGS.saved_model}: SavedModel of {ensemble.num_members} members")


if __name__ == "__main__":
    shared.run(main, renamed={"output": "--saved_model, a directory"})
