"""Pages of the site that come from other files: the root's, the notebooks, and the gallery."""

import os
import re

from mkdocs.structure.files import File

_PAGES = {"index.md": "README.md", "results.md": "RESULTS.md", "changelog.md": "CHANGELOG.md"}


def on_files(files, config):
    """Replaces the notebooks, scripts in percent format, with pages; leaves other scripts out."""
    for file in [file for file in files if file.src_uri.endswith(".py")]:
        files.remove(file)
        if file.src_uri.startswith("notebooks/"):
            with open(file.abs_src_path, encoding="utf-8") as script:
                page = _notebook(script.read())
            uri = file.src_uri.replace(".py", ".md")
            files.append(File.generated(config, uri, content=page))


def _notebook(script):
    """The cells of a notebook as text and blocks of code."""
    pages = []
    for cell in re.split(r"^# %%", script, flags=re.MULTILINE)[1:]:
        kind, _, text = cell.partition("\n")
        if "[markdown]" in kind:
            pages.append(re.sub(r"^# ?", "", text, flags=re.MULTILINE))
        else:
            pages.append(f"```python\n{text.strip()}\n```\n")
    return "\n".join(pages)


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
        text = file.read().replace("(docs/notebooks)", "(notebooks/connect_two_networks.md)")
    text = re.sub(r"\]\(docs/", "](", text)
    for page, file in _PAGES.items():
        text = text.replace(f"]({file})", f"]({page})")
    return re.sub(r"\[([^]]*)\]\((?:CONTRIBUTING\.md|bin/\S*?)\)", r"\1", text)


def _gallery(results):
    """Each figure of RESULTS.md below the command that draws it."""
    parts = []
    for section in re.split(r"^## ", results, flags=re.MULTILINE)[1:]:
        shown = re.findall(r"^```sh\n.*?^```|^!\[.*?\]\(.*?\)", section, re.MULTILINE | re.DOTALL)
        if any(text.startswith("!") for text in shown):
            parts += [f"## {section.partition(chr(10))[0]}", *shown]
    return "\n\n".join(parts)
