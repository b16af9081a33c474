"""Shared settings of evaluation programs."""

import dataclasses

from mc_tf.settings import documented, setting

__all__ = ["EvaluationOptions"]


@documented
@dataclasses.dataclass(frozen=True)
class EvaluationOptions:
    """Evaluation options; each program uses some of them."""

    output: str | None = setting(
        None,
        help="Path of the result files without extension.",
        changes_results=False,
    )
    curve_file: str | None = setting(None, help="Curve file of connect.py.")
    network_file: str | None = setting(
        None, help="A .keras file of the network. Default: found next to the weights."
    )
    num_points: int = setting(
        50, help="Number of equally spaced positions on a curve.", low=2, high=100_000
    )
    batch_size: int = setting(
        500, help="Examples per batch.", low=1, high=1_000_000, changes_results=False
    )
    seed: int = setting(0, help="Seed of random positions or directions.")
    title: str | None = setting(None, help="Heading of the figure.", changes_results=False)
    verbose: int = setting(
        1,
        help="0: no progress bar and no description of the evaluation.",
        changes_results=False,
    )
