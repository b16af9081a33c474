"""Names for what users bring along: data sets, networks and curve families."""

from mc_tf.arguments import check_kind

__all__ = ["Registry"]


class Registry(dict):
    """What has a name: a dict from name to function or class that is filled by a decorator.

    Args:
        kind: what is registered, such as `"network"`, for messages.
        package: where the decorator is found, such as `"mc_tf.models"`.

    Example:
        >>> shapes = Registry("shape", "mc_tf.shapes")
        >>> @shapes.register("square")
        ... def square(size): return size ** 2
        >>> shapes.find("square")(3)
        9
    """

    def __init__(self, kind, package):
        super().__init__()
        self.kind, self.package = kind, package

    def register(self, name):
        """A decorator that gives a function or class a name and returns it as it is.

        The same definition may be registered again, as a notebook's cell is that runs twice.

        Args:
            name: str.

        Raises:
            ValueError: if `name` is not a str, or, when the decorator is applied, if another
                definition has it.
        """
        check_kind("name", name, str, f"the name of a {self.kind}: @{self.package}.register('x')")

        def decorate(thing):
            if name in self and _place(self[name]) != _place(thing):
                raise ValueError(
                    f"The {self.kind} name {name!r} is taken by {_place(self[name])}. Choose "
                    f"another for {_place(thing)}."
                )
            self[name] = thing
            return thing

        return decorate

    def find(self, name):
        """What has a name.

        Args:
            name: str.

        Raises:
            ValueError: if there is nothing of that name; the message lists the known ones.
        """
        if name not in self:
            raise ValueError(
                f"Unknown {self.kind}. Received: {name!r}. Expected one of: "
                f"{', '.join(sorted(self))}; or one of your own, decorated with "
                f"@{self.package}.register({name!r}) in a module that is imported before "
                "(programs: --import=MODULE or --import=FILE.py)."
            )
        return self[name]


def _place(thing):
    return f"{thing.__module__}.{getattr(thing, '__qualname__', repr(thing))}"
