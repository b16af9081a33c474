"""Experiments on loss surfaces as recipes write them."""

import re

from mc_tf.experiments.landscape_plan import Join, SurfacePlan, Training
from mc_tf.models.zoo import registry

__all__ = ["parse_join", "parse_surface", "parse_training"]

_LISTS = ("decay_epochs", "keep_epochs")


def parse_training(text):
    """Reads a training as recipes write it.

    Args:
        text: `NAME` or `NAME:SETTING=VALUE,...`, a network's own option as `option.NAME=VALUE`,
            several numbers as `[80,120]`.

    Returns:
        `Training`.

    Raises:
        ValueError: if it is anything else.

    Example:
        >>> parse_training("large:batch_size=4096,schedule=constant")
        Training(name='large', changes={'batch_size': 4096, 'schedule': 'constant'})
    """
    name, _, rest = text.partition(":")
    changes = {}
    for entry in filter(None, re.split(r",(?![^\[]*\])", rest)):
        setting, equals, value = entry.partition("=")
        if not equals:
            raise ValueError(f"A training must be NAME:SETTING=VALUE,... Received: '{text}'.")
        value = registry.parse_value(value)
        if setting in _LISTS:
            value = tuple(value) if isinstance(value, list) else (value,)
        if setting.startswith("option."):
            options = changes.setdefault("network_options", {})
            options[setting.removeprefix("option.")] = value
        else:
            changes[setting] = value
    return Training(name, changes)


def parse_join(text):
    """Reads a curve as recipes write it.

    Args:
        text: `NAME:FAMILY:NETWORK,NETWORK`, or `NAME:through:NETWORK,...`.

    Returns:
        `Join`.

    Raises:
        ValueError: if it is anything else.

    Example:
        >>> parse_join("bezier:bezier:a,b")
        Join(name='bezier', family='bezier', networks=('a', 'b'))
    """
    parts = text.split(":")
    networks = tuple(parts[-1].split(","))
    if len(parts) != 3 or not all(networks) or (parts[1] != "through" and len(networks) != 2):
        raise ValueError(
            "A curve must be NAME:FAMILY:NETWORK,NETWORK or NAME:through:NETWORK,... "
            f"Received: '{text}'."
        )
    return Join(parts[0], parts[1], networks)


def parse_surface(text):
    """Reads a surface as recipes write it.

    Args:
        text: `NAME:KIND:NETWORK,...` or `NAME:KIND:NETWORK,...:MARK,...`; each network may have
            a label for figures, as in `SWA=swa/swa`.

    Returns:
        `SurfacePlan`.

    Raises:
        ValueError: if it is anything else.

    Example:
        >>> parse_surface("averages:plane:swa/1,swa/3,swa/5:mean,SWA=swa/swa")
        SurfacePlan(name='averages', kind='plane', networks=('swa/1', 'swa/3', 'swa/5'), \
marks=('mean', 'swa/swa'), labels={'swa/swa': 'SWA'})
    """
    parts = text.split(":")
    lists = [tuple(part.split(",")) for part in parts[2:]]
    if len(parts) not in (3, 4) or not all(all(items) for items in lists):
        raise ValueError(f"A surface must be NAME:KIND:NETWORK,...[:MARK,...]. Received: '{text}'.")
    labels, references = {}, []
    for items in lists:
        pairs = [item.rpartition("=") for item in items]
        labels |= {reference: label for label, _, reference in pairs if label}
        references.append(tuple(reference for _, _, reference in pairs))
    return SurfacePlan(parts[0], parts[1], *references, labels=labels)
