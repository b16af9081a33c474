r"""Trains one network: an endpoint of a curve.

Writes WORKDIR/model.keras (network and optimizer, after each epoch) and WORKDIR/history.csv. Run
the same command again to go on after an interruption.

  python bin/train.py --workdir=runs/a --dataset=mnist --network=fc --seed=1 --use_test
"""

import shared
from absl import flags

FLAGS = flags.FLAGS
shared.define_data_flags()
shared.define_training_flags(epochs=30, learning_rate=0.05)
flags.DEFINE_string("network", "convnet", "Network: convnet, fc, 3conv3fc, preresnet20, ...")
flags.DEFINE_float(
    "weight_decay",
    5e-4,
    "Factor wd of the loss term wd/2 * sum of squares over all trainable weights.",
    lower_bound=0.0,
)


def main(_):
    """Trains and reports the last errors."""
    from mc_tf import training
    from mc_tf.files import check_writable

    check_writable(FLAGS.workdir)
    data = shared.load_data()
    model = training.train_network(
        FLAGS.workdir,
        data,
        FLAGS.network,
        shared.training_options(),
        weight_decay=FLAGS.weight_decay,
    )
    scores = model.evaluate(data.test_batches(), verbose=0, return_dict=True)
    print(
        f"{FLAGS.workdir}/model.keras: {data.test_name} error "
        f"{100 * (1 - scores['accuracy']):.2f} %, loss {scores['loss']:.4f}"
    )


if __name__ == "__main__":
    shared.run(main)
