r"""Snapshot ensembles (Huang et al. 2017): one training in cosine cycles, a network from each.

Saves the network at the end of each cycle to WORKDIR/members; eval_ensemble.py and
export_ensemble.py take that directory. Run the same command again to resume after an interruption.

  python bin/sse.py --workdir=runs/sse --dataset=cifar10 --network=preresnet164 --epochs=148 \
      --cycle_epochs=37 --learning_rate=0.1 --weight_decay=3e-4 --use_test
"""

import data_flags
import network_flags
import shared
import training_flags
from absl import flags

FLAGS = flags.FLAGS
data_flags.define_data_flags()
training_flags.define_training_flags(
    epochs=30, learning_rate=0.1, schedule="cosine_cycle", cycle_epochs=6, snapshots=True
)
network_flags.define_new_network_flags(weight_decay=5e-4)


def main(_):
    """Trains in cycles and reports the members."""
    from mc_tf import callbacks, training
    from mc_tf.training.run_directory import RunDirectory

    training_flags.check_schedule()
    shared.hold_workdir(FLAGS.workdir)
    options = training_flags.training_options()
    if options.epochs % options.cycle_epochs:
        raise ValueError(
            f"--epochs={options.epochs} is not a multiple of --cycle_epochs="
            f"{options.cycle_epochs}: the last cycle would have no end, and so no member."
        )
    data = data_flags.load_data()
    training.train_network(FLAGS.workdir, data, options=options, **network_flags.new_network())
    folder = RunDirectory(FLAGS.workdir).members
    print(f"{folder}: {len(callbacks.snapshot_files(folder))} members")


if __name__ == "__main__":
    shared.run(main, renamed={"num_cycles": "--cycle_epochs, epochs a cycle"})
