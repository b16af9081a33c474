"""The named texts: Penn Treebank from files, and the embedded Python documentation."""

import collections
import os
import re

from mc_tf.data.text import TextData, build_vocabulary, encode

__all__ = ["load_ptb", "load_pydoc"]

_PARTS = ("train", "valid", "test")
_PTB_FOLDERS = ("", "ptb", os.path.join("simple-examples", "data"))
_RARE = 3
_WORD = re.compile(r"[a-z]+|[0-9]+|[^\sa-z0-9]")


def load_ptb(data_dir=None, use_test=False, num_steps=20):
    """Opens Penn Treebank with the usual preprocessing: 10,000 words, `<unk>`, numbers as `N`.

    Args:
        data_dir: Directory containing `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`, directly
            or in `ptb` or `simple-examples/data`. Defaults to the working directory.
        use_test: Whether `test_batches` serves the test part; otherwise the validation part.
        num_steps: Words per window. Defaults to 20.

    Returns:
        `TextData`.

    Raises:
        FileNotFoundError: If the files do not exist.
        ValueError: If a file has no words or is not UTF-8.
    """
    directory = os.path.expanduser(os.fspath(data_dir or "."))
    for folder in _PTB_FOLDERS:
        files = [os.path.join(directory, folder, f"ptb.{part}.txt") for part in _PARTS]
        if all(map(os.path.isfile, files)):
            break
    else:
        raise FileNotFoundError(
            f"Penn Treebank is not in '{directory}': set --data_dir to a directory with "
            "ptb.train.txt, ptb.valid.txt and ptb.test.txt (Mikolov's simple-examples), or use "
            "--dataset=pydoc, which needs no files."
        )
    texts = []
    for file in files:
        texts.append(_read(file).replace("\n", " <eos> ").split())
    return _make("ptb", texts, use_test, num_steps)


def _read(file):
    with open(file, "rb") as opened:
        content = opened.read()
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"The text '{file}' is not UTF-8: byte {error.start} (line {line}) is "
            f"0x{content[error.start]:02x}. Save it as UTF-8, or download it again."
        ) from error
    if not text.split():
        raise ValueError(
            f"The text '{file}' has no words ({len(content)} bytes). Download it again."
        )
    return text


def load_pydoc(data_dir=None, use_test=False, num_steps=20):
    """Opens the language reference of Python's `help()`: English prose, no download.

    About 110,000 words and punctuation marks, in lower case, with numbers as `N`, without line
    ends, and with `<eos>` after paragraphs. Words with fewer than three occurrences in the training
    part are `<unk>`. One topic in ten is for validation and one for testing. The text differs a
    little between Python versions.

    Args:
        data_dir: Ignored.
        use_test: Whether `test_batches` serves the test part; otherwise the validation part.
        num_steps: Words per window. Defaults to 20.

    Returns:
        `TextData`.

    Example:
    >>> data = load_pydoc()
    >>> "the" in data.vocabulary[:5], data.test_name
    (True, 'validation')
    """
    del data_dir
    from pydoc_data.topics import topics

    texts = {part: [] for part in _PARTS}
    for index, name in enumerate(sorted(topics)):
        part = {8: "valid", 9: "test"}.get(index % 10, "train")
        texts[part] += _words(topics[name])
    counts = collections.Counter(texts["train"])
    train = [word if counts[word] >= _RARE else "<unk>" for word in texts["train"]]
    return _make("pydoc", [train, texts["valid"], texts["test"]], use_test, num_steps)


def _words(text):
    words = []
    for paragraph in re.split(r"\n\s*\n", text.lower()):
        line = ["N" if word.isdigit() else word for word in _WORD.findall(paragraph)]
        words += [*line, "<eos>"]
    return words


def _make(name, texts, use_test, num_steps):
    vocabulary = build_vocabulary(texts[0])
    train, validation, test = (
        encode(words, vocabulary, part) for part, words in zip(_PARTS, texts)
    )
    test_name = "test" if use_test else "validation"
    return TextData(name, vocabulary, train, validation, test, num_steps, test_name)
