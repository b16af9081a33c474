"""Several processes that train one network: which one writes, and how the others wait for it."""

import keras

__all__ = ["agreed", "is_chief", "remember", "wait"]

_strategy = None  # of several processes


def remember(strategy):
    """Tells this module a strategy, in case it has several processes.

    Args:
        strategy: `tf.distribute.Strategy`.
    """
    global _strategy
    if _processes_of(strategy) > 1:
        _strategy = strategy


def is_chief() -> bool:
    """Whether this process writes files: the only one, or the first of several.

    Returns:
        bool.

    Example:
        >>> is_chief()
        True
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.process_index() == 0
    if _strategy is None:
        return True
    resolver = _strategy.cluster_resolver
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_id == 0 and resolver.task_type == ("chief" if has_chief else "worker")


def wait():
    """Waits until all processes have come to this point: files of the chief are complete."""
    _mean(0.0)


def agreed(value, problem):
    """Checks that all processes see the same.

    Args:
        value: bool.
        problem: message of the error otherwise.

    Returns:
        `value`.

    Raises:
        ValueError: in all processes, if one of them has another value.
    """
    if _mean(float(value)) != value:
        raise ValueError(problem)
    return value


def _mean(number):
    """Mean over the processes."""
    if keras.backend.backend() == "jax":
        import jax
        from jax.experimental import multihost_utils

        several = jax.process_count() > 1
        return float(multihost_utils.process_allgather(number).mean()) if several else number
    return number if _strategy is None else float(_strategy.reduce("MEAN", number, axis=None))


def _processes_of(strategy):
    resolver = getattr(strategy, "cluster_resolver", None)
    jobs = resolver.cluster_spec().as_dict() if resolver else {}
    return sum(len(jobs.get(job, ())) for job in ("chief", "worker"))
