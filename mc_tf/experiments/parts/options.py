"""The settings that evaluations share, as programs take them."""

import dataclasses

from mc_tf.settings import documented, setting

__all__ = ["EvaluationOptions"]


@documented
@dataclasses.dataclass(frozen=True)
class EvaluationOptions:
    """What is evaluated, how, and where the results go; each program takes some of these."""

    output: str | None = setting(
        None,
        help="Stem of the result files: their path without ending.",
        changes_results=False,
    )
    curve_file: str | None = setting(None, help="File that connect.py wrote.")
    network_file: str | None = setting(
        None, help="A .keras file of the network. Default: found beside its weights."
    )
    num_points: int = setting(50, help="Equally spaced positions on a curve.", low=2, high=100_000)
    batch_size: int = setting(
        500, help="Examples a batch.", low=1, high=1_000_000, changes_results=False
    )
    seed: int = setting(0, help="Of what is random: positions or directions.")
    title: str | None = setting(None, help="Heading of the figure.", changes_results=False)
    verbose: int = setting(
        1,
        help="0: neither a progress bar nor what is evaluated on what.",
        changes_results=False,
    )
