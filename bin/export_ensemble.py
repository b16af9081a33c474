r"""Writes an ensemble as one TensorFlow SavedModel, for TensorFlow Serving or bare TensorFlow.

Its signature serving_default takes batches of any size and returns class probabilities, the class
and the share of members that disagree with it.

  python bin/export_ensemble.py --members=runs/fge --output=runs/fge/served
"""

import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "members", None, "Directories of runs or of snapshots, or files of networks.", required=True
)
flags.DEFINE_bool("include_start", False, "Also the network with which each run began.")
flags.DEFINE_string("network_file", None, "A .keras file of the network. Default: found there.")
flags.DEFINE_string("output", None, "Directory of the SavedModel.", required=True)


def main(_):
    """Exports the ensemble."""
    from mc_tf import ensembling

    ensemble = ensembling.load_ensemble(FLAGS.members, FLAGS.include_start, FLAGS.network_file)
    ensemble.export(FLAGS.output)
    print(f"{FLAGS.output}: SavedModel of {ensemble.num_members} members")


if __name__ == "__main__":
    shared.run(main)
