r"""Writes an ensemble as one TensorFlow SavedModel, for TensorFlow Serving or bare TensorFlow.

Its signature serving_default takes batches of any size and returns class probabilities, the class
and the share of members that disagree with it.

  python bin/export_ensemble.py --members=runs/fge --output=runs/fge/served
  python bin/export_ensemble.py --curve_file=runs/chain/curve.keras --num_points=50 \
      --temperature_scaling=fitted --output=runs/chain/served --dataset=cifar10
"""

import member_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
member_flags.define_member_flags()
flags.DEFINE_string("output", None, "Directory of the SavedModel.", required=True)


def main(_):
    """Exports the ensemble."""
    ensemble = member_flags.load_ensemble()
    ensemble.export(FLAGS.output)
    print(f"{FLAGS.output}: SavedModel of {ensemble.num_members} members")


if __name__ == "__main__":
    shared.run(main)
