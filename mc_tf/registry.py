"""Names for user-defined data sets, networks and curve families."""

from mc_tf.arguments import check_kind

__all__ = ["Registry"]


class Registry(dict):
    """Registry: a dict from names to functions or classes, filled by a decorator.

    Args:
        kind: kind of the entries, such as `"network"`, for messages.
        package: module of the decorator, such as `"mc_tf.models"`.

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
        """Returns a decorator that registers a function or class and returns it unchanged.

        The same definition can be registered again, for instance when a notebook cell runs twice.

        Args:
            name: str.

        Raises:
            ValueError: if `name` is not a str, or, when the decorator is applied, if the name is
                taken.
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
        """Returns the entry with a name.

        Args:
            name: str.

        Raises:
            ValueError: if the name is unknown; the message lists known names.
        """
        if name not in self:
            raise ValueError(
                f"Unknown {self.kind}. Received: {name!r}. Expected one of: "
                f"{', '.join(sorted(self))}; or your own, decorated with "
                f"@{self.package}.register({name!r}) in a module that is imported before "
                "(programs: --import=MODULE or --import=FILE.py)."
            )
        return self[name]


def _place(thing):
    return f"{thing.__module__}.{getattr(thing, '__qualname__', repr(thing))}"
