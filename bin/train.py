r"""Trains one network: an endpoint of a curve.

Writes WORKDIR/model.keras (network and optimizer, after each epoch) and WORKDIR/history.csv. Run
the same command again to resume after an interruption.

  python bin/train.py --workdir=runs/a --dataset=mnist --network=fc --seed=1 --use_test
"""

import shared
import training_flags

training_flags.define_training_flags(without=(), epochs=30, learning_rate=0.05)


def main(_):
    """Trains the network and prints its errors."""
    training_flags.report_scores("model", *training_flags.train())


if __name__ == "__main__":
    shared.run(main)
