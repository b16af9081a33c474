"""Several processes that train one network: which one writes, and how the others wait for it."""

import json

import keras
import numpy as np

__all__ = ["agreed", "gathered", "is_chief", "place", "remember", "wait"]

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


def place():
    """Returns `(index, count)` of this process in a strategy of TensorFlow; `(0, 1)` without one.

    Processes under JAX compute one program together, so all have the same work.
    """
    if _strategy is None:
        return 0, 1
    resolver = _strategy.cluster_resolver
    before = len(resolver.cluster_spec().as_dict().get("chief", ()))
    index = resolver.task_id + (before if resolver.task_type == "worker" else 0)
    return index, _processes_of(_strategy)


def gathered(value):
    """Collects what each process has; all of them must call it.

    Args:
        value: anything that JSON can store.

    Returns:
        List of the values, in order of the processes.
    """
    if _strategy is None:
        return [value]
    text = np.frombuffer(json.dumps(value).encode(), "uint8")
    sizes = _rows(np.array([len(text)]))[:, 0]
    rows = _rows(np.pad(text, (0, sizes.max() - len(text))))
    return [json.loads(row[:size].astype("uint8").tobytes()) for row, size in zip(rows, sizes)]


def _rows(numbers):
    """Whole numbers of all processes, `(count, ...)`."""
    index, count = place()
    own = np.zeros((count, *numbers.shape), "float64")
    own[index] = numbers
    mean = _strategy.reduce("MEAN", own, axis=None)
    return np.rint(count * np.asarray(mean)).astype("int64")


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
