r"""Stochastic weight averaging (arXiv 1803.05407): averages the networks of one training.

The learning rate is constant, decreases, and is constant again while weights are averaged every
--swa_every epochs, including the weights at --swa_start. With --schedule=linear_cycle it is cyclic,
and weights are averaged at the minima. Writes WORKDIR/swa.keras, with re-estimated batch
normalization statistics, besides the usual WORKDIR/model.keras. With --swag_rank (SWAG, arXiv
1902.02476) it also samples networks from a Gaussian around the average, the members of an ensemble,
to WORKDIR/samples. Run the same command again to resume after an interruption.

  python bin/swa.py --workdir=runs/swa --dataset=cifar10 --network=vgg16 --epochs=300 \
      --swa_start=161 --learning_rate=0.05 --swa_learning_rate=0.01 --weight_decay=5e-4 --use_test
"""

import os

import flag_checks
import shared
import training_flags
from absl import flags

FLAGS = flags.FLAGS
training_flags.define_training_flags(epochs=30, learning_rate=0.05, schedule="swa")
flags.DEFINE_float(
    "swa_learning_rate",
    None,
    "Learning rate while averaging (--schedule=swa). Default: final_ratio times --learning_rate.",
    lower_bound=0.0,
)
flags.DEFINE_integer("swag_samples", 30, "Number of sampled networks (--swag_rank).", lower_bound=1)
flags.DEFINE_float(
    "swag_scale", 0.5, "Factor of the covariance of samples (--swag_rank).", lower_bound=0.0
)
flags.mark_flag_as_required("swa_start")


def main(_):
    """Trains, averages, and evaluates both networks."""
    from mc_tf import training

    changes = {}
    if FLAGS.swa_learning_rate is not None:
        if FLAGS.schedule != "swa" or not FLAGS.learning_rate:
            raise ValueError(
                "--swa_learning_rate is for --schedule=swa with a --learning_rate above 0; for "
                "--schedule=linear_cycle use --min_learning_rate."
            )
        changes["final_ratio"] = FLAGS.swa_learning_rate / FLAGS.learning_rate
    sampled = FLAGS.swag_rank is not None
    flag_checks.only_if(sampled, "no networks are sampled without --swag_rank", "swag_samples")
    flag_checks.only_if(sampled, "no networks are sampled without --swag_rank", "swag_scale")
    model, data = training_flags.train(**changes)
    averaged = training.averaged_network(FLAGS.workdir, data, batch_size=FLAGS.eval_batch_size)
    training_flags.report_scores("model", model, data)
    training_flags.report_scores("swa", averaged, data)
    if sampled:
        settings = (FLAGS.swag_samples, FLAGS.swag_scale, FLAGS.seed, FLAGS.eval_batch_size)
        files = training.sample_networks(FLAGS.workdir, data, *settings)
        print(f"{len(files)} networks in {os.path.dirname(files[0])}")


if __name__ == "__main__":
    shared.run(main)
