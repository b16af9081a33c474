"""SWAG (arXiv 1902.02476): stochastic weight averaging with a Gaussian around the average."""

from typing import Any

from mc_tf.callbacks.swa import SWA
from mc_tf.posterior.gaussian import GaussianPosterior
from mc_tf.storage.moments import WeightMoments

__all__ = ["SWAG"]


class SWAG(SWA):
    """`SWA` that also approximates the posterior over the weights (arXiv 1902.02476).

    Besides the mean of the weights it keeps their variance and the last `max_rank` deviations from
    the mean: `max_rank + 2` vectors in memory. Everything else is as for `SWA`. In `directory` each
    deviation is a file, written once, so that an epoch writes three vectors.

    Args:
        start_epoch: epoch at which averaging starts, counted from 0 as in `fit`.
        max_rank: number `K` of deviations to keep, at least 2. Default 20, as in the paper.
        *more, **settings: other arguments of `SWA`: `every`, `learning_rate`, `batch_norm_data`,
            `directory`, ... Resumed training needs the same `max_rank`.

    Attributes:
        average: `average.mean`, `average.variance`, `average.deviations`, `average.count`.
        posterior: the `GaussianPosterior` of the networks so far.

    Raises:
        ValueError: as for `SWA`, or if `max_rank` is below 2.

    Example:
        >>> import mc_tf
        >>> swag = mc_tf.SWAG(start_epoch=160, learning_rate=0.05, batch_norm_data=False)
        >>> # model.fit(train, epochs=200, callbacks=[swag])
        >>> # ensemble = swag.posterior.ensemble(30, batch_norm_data=train)
    """

    average_kind = WeightMoments

    def __init__(self, start_epoch: int, *more: Any, max_rank: int = 20, **settings: Any) -> None:
        self.average_settings = {"max_rank": max_rank}
        super().__init__(start_epoch, *more, **settings)

    @property
    def posterior(self) -> GaussianPosterior:
        """The `GaussianPosterior` of the networks so far; it does not change with training.

        Raises:
            ValueError: if fewer than two networks have been averaged.
        """
        return GaussianPosterior.of(self.average, self.model)
