r"""Trains one network: an endpoint of a curve.

Writes WORKDIR/model.keras (network and optimizer, after each epoch) and WORKDIR/history.csv. Run
the same command again to resume after an interruption.

  python bin/train.py --workdir=runs/a --dataset=mnist --network=fc --seed=1 --use_test
"""

import data_flags
import network_flags
import shared
import training_flags
from absl import flags

FLAGS = flags.FLAGS
data_flags.define_data_flags()
training_flags.define_training_flags(epochs=30, learning_rate=0.05, keep_best=True)
network_flags.define_new_network_flags(weight_decay=5e-4)


def main(_):
    """Trains and reports the last errors."""
    from mc_tf import training

    training_flags.check_schedule()
    shared.hold_workdir(FLAGS.workdir)
    data = data_flags.load_data()
    options = training_flags.training_options()
    model = training.train_network(
        FLAGS.workdir, data, options=options, **network_flags.new_network()
    )
    scores = training.evaluate_network(model, data, options.eval_batch_size)
    print(f"{FLAGS.workdir}/model.keras: {data.test_name} {training.describe(scores)}")


if __name__ == "__main__":
    shared.run(main)
