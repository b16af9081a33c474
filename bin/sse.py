r"""Snapshot ensembles (Huang et al. 2017): one training in cosine cycles, a network from each.

Saves the network at the end of each cycle to WORKDIR/members; eval_ensemble.py and
export_ensemble.py take that directory. Run the same command again to resume after an interruption.

  python bin/sse.py --workdir=runs/sse --dataset=cifar10 --network=preresnet164 --epochs=148 \
      --num_cycles=4 --learning_rate=0.1 --weight_decay=3e-4 --use_test
"""

import data_flags
import network_flags
import shared
import training_flags
from absl import flags

FLAGS = flags.FLAGS
data_flags.define_data_flags()
training_flags.define_training_flags(
    epochs=30, learning_rate=0.1, schedule="cosine_cycle", snapshots=True
)
network_flags.define_new_network_flags(weight_decay=5e-4)
flags.DEFINE_integer(
    "num_cycles", 5, "Cycles, and members; a divisor of the epochs.", lower_bound=1
)


def main(_):
    """Trains in cycles and reports the members."""
    from mc_tf import callbacks, training
    from mc_tf.training.run_directory import RunDirectory

    training_flags.check_schedule()
    shared.hold_workdir(FLAGS.workdir)
    cycle_epochs, rest = divmod(FLAGS.epochs, FLAGS.num_cycles)
    if rest or not cycle_epochs:
        raise ValueError(
            f"--epochs={FLAGS.epochs} cannot be divided into --num_cycles={FLAGS.num_cycles}."
        )
    if FLAGS["cycle_epochs"].present:
        raise ValueError("--cycle_epochs is --epochs / --num_cycles here. Give these two.")
    options = training_flags.training_options(cycle_epochs=cycle_epochs)
    data = data_flags.load_data()
    training.train_network(FLAGS.workdir, data, options=options, **network_flags.new_network())
    folder = RunDirectory(FLAGS.workdir).members
    print(f"{folder}: {len(callbacks.snapshot_files(folder))} members")


if __name__ == "__main__":
    shared.run(main)
