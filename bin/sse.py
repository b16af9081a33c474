r"""Snapshot ensembles (Huang et al. 2017): one training in cosine cycles, a network from each.

Saves the network at the end of each cycle to WORKDIR/members, for eval_ensemble.py and
export_ensemble.py. Run the same command again to resume after an interruption.

  python bin/sse.py --workdir=runs/sse --dataset=cifar10 --network=preresnet164 --epochs=148 \
      --cycle_epochs=37 --learning_rate=0.1 --weight_decay=3e-4 --use_test
"""

import shared
import training_flags
from absl import flags

FLAGS = flags.FLAGS
training_flags.define_training_flags(
    epochs=30, learning_rate=0.1, schedule="cosine_cycle", cycle_epochs=6, snapshots=True
)


def main(_):
    """Trains in cycles and prints the members."""
    if FLAGS.epochs % FLAGS.cycle_epochs:
        raise ValueError(
            f"--epochs={FLAGS.epochs} is not a multiple of --cycle_epochs={FLAGS.cycle_epochs}: "
            "the last cycle would be incomplete and have no member."
        )
    training_flags.train()
    training_flags.report_members()


if __name__ == "__main__":
    shared.run(main, renamed={"num_cycles": "--cycle_epochs, epochs per cycle"})
