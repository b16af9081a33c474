"""Pages of the site that come from files of the repository's root, and the gallery."""

import os
import re

_PAGES = {"index.md": "README.md", "results.md": "RESULTS.md", "changelog.md": "CHANGELOG.md"}


def on_page_markdown(markdown, page, config, files):
    """Fills the pages that `docs/` only names, with links as they are from there."""
    root = os.path.dirname(config.config_file_path)
    if page.file.src_uri == "gallery.md":
        return markdown + _gallery(_read(root, "RESULTS.md"))
    if page.file.src_uri not in _PAGES:
        return markdown
    return _read(root, _PAGES[page.file.src_uri])


def _read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as file:
        text = re.sub(r"\]\(docs/", "](", file.read())
    for page, file in _PAGES.items():
        text = text.replace(f"]({file})", f"]({page})")
    return re.sub(r"\[([^]]*)\]\((?:CONTRIBUTING\.md|bin/\S*?)\)", r"\1", text)


def _gallery(results):
    """Each figure of RESULTS.md below the command that draws it."""
    found = []
    for section in re.split(r"^## ", results, flags=re.MULTILINE)[1:]:
        shown = re.findall(r"^```sh\n.*?^```|^!\[.*?\]\(.*?\)", section, re.MULTILINE | re.DOTALL)
        if any(text.startswith("!") for text in shown):
            found += [f"## {section.partition(chr(10))[0]}", *shown]
    return "\n\n".join(found)
