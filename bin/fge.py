r"""Fast geometric ensembling (section 5, Algorithm 1): collects networks from one training.

Starts from a network that was trained for most of the budget, cycles the learning rate down and up,
and saves the network at each minimum to WORKDIR/members, for eval_ensemble.py and
export_ensemble.py. Run the same command again to resume after an interruption.

  python bin/train.py --workdir=runs/a --dataset=cifar10 --network=preresnet164 --epochs=150 \
      --learning_rate=0.1 --weight_decay=3e-4 --keep_every=125 --use_test
  python bin/fge.py --workdir=runs/fge --checkpoint=runs/a/model-0125.keras --dataset=cifar10 \
      --epochs=22 --cycle_epochs=4 --learning_rate=0.05 --min_learning_rate=5e-4 --use_test
"""

import flag_checks
import shared
import training_flags
from absl import flags

FLAGS = flags.FLAGS
training_flags.define_training_flags(
    new_network=False,
    epochs=22,
    learning_rate=0.05,
    schedule="triangular_cycle",
    cycle_epochs=4,
    min_learning_rate=5e-4,
    snapshots=True,
)
flags.DEFINE_string("checkpoint", None, "Trained network to start from, .keras.", required=True)


def main(_):
    """Trains in cycles and prints the members."""
    flag_checks.only_if(False, "--checkpoint sets the precision", "precision")
    training_flags.train({"network": None, "initial_weights": FLAGS.checkpoint})
    training_flags.report_members()


if __name__ == "__main__":
    shared.run(main)
