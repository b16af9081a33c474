"""Docstrings as the site shows them."""

import griffe


class Docstrings(griffe.Extension):
    """Makes the site show examples as code."""

    def on_object(self, *, obj, **kwargs):
        """Renames the section to the one that griffe knows."""
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
