"""How the parts of an experiment refer to its networks: `"sgd"`, `"sgd@16"`, `"sgd/members"`."""

import re

__all__ = ["check_references", "parse_reference"]

_REFERENCE = re.compile("([^@/]*)([@/]?)(.*)")


def parse_reference(reference):
    """Takes a reference to a network, or to several, apart.

    Args:
        reference: `"sgd"`, the last network of a training; `"sgd@16"`, its checkpoint after 16
            epochs; `"sgd/3"`, its third member; `"sgd/members"` or `"sgd/trajectory"`, all of
            them; `"sgd/swa"`, its averaged weights.

    Returns:
        `(name, mark, part)`, strings: the training; `"@"`, `"/"` or `""`; what stands behind it.

    Example:
        >>> parse_reference("sgd@16"), parse_reference("sgd/members"), parse_reference("sgd")
        (('sgd', '@', '16'), ('sgd', '/', 'members'), ('sgd', '', ''))
    """
    return _REFERENCE.fullmatch(reference).groups()


def check_references(name, references, known):
    """Refuses references to what there will not be.

    Args:
        name: what refers to it, for the message.
        references: see `parse_reference`.
        known: dict from names to the `TrainingOptions` of networks, `None` for curves.

    Raises:
        ValueError: naming the first of them and what there is.
    """
    for reference in references:
        base, mark, part = parse_reference(reference)
        if base not in known or (mark and not _will_be(known[base], mark, part)):
            raise ValueError(
                f"'{name}' refers to '{reference}', which is not there. There are: "
                f"{', '.join(sorted(known)) or 'none'}. NAME@EPOCHS needs as many epochs, NAME/swa "
                "needs swa_start, NAME/members and NAME/NUMBER need snapshots, NAME/trajectory "
                "needs trajectory_every."
            )


def _will_be(options, mark, part):
    """Whether a training leaves a checkpoint (`@`), or members and averages (`/`)."""
    if options is None:
        return False
    if mark == "@":
        return part.isdigit() and int(part) <= options.epochs
    needed = {"swa": options.swa_start is not None, "trajectory": options.trajectory_every}
    if part in needed:
        return bool(needed[part])
    return options.snapshots and (part == "members" or part.isdigit())
