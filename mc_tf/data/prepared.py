"""Reads data sets through TFDS, with one clear line where they are not to be had."""

import contextlib
import os
import pathlib
import tempfile

import tensorflow as tf
from absl import logging

# TFDS retries an unreachable host for minutes, so ask these once before it starts.
_HOSTS = {
    "cifar10": "https://www.cs.toronto.edu",
    "cifar100": "https://www.cs.toronto.edu",
    "mnist": "https://storage.googleapis.com",
}
_HOST_TIMEOUT_SECONDS = 10


def read(name, split, data_dir=None):
    """Decodes one split of a TFDS image data set into memory.

    A data set that is not prepared in `data_dir` is downloaded and prepared there; a
    failed attempt leaves nothing behind.

    Args:
        name: TFDS name: `"mnist"`, `"cifar10"` or `"cifar100"`.
        split: `"train"` or `"test"`.
        data_dir: Directory that holds `NAME/VERSION`. Defaults to TFDS' own.

    Returns:
        Images, uint8 `(n, height, width, channels)`, and labels, int64 `(n,)`, in the
        stored order.

    Raises:
        FileNotFoundError: If the data set is neither there nor downloadable.
    """
    if data_dir is not None:
        data_dir = os.path.expanduser(os.fspath(data_dir))
        if not tf.io.gfile.isdir(data_dir):
            raise FileNotFoundError(
                f"data_dir {data_dir!r} is not a directory: {_remedy(name, data_dir)}"
            )
    import tensorflow_datasets as tfds

    with _quiet(tfds):
        try:
            builder = tfds.builder(name, data_dir=data_dir)
            if not builder.is_prepared():
                _download(tfds, builder, name)
        except Exception as error:
            where = data_dir or tfds.core.constants.DATA_DIR
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise FileNotFoundError(
                f"Data set {name!r} is not prepared in {where!r} and could not be "
                f"downloaded: {_remedy(name, where)} ({reason})"
            ) from error
        dataset = builder.as_dataset(
            split=split,
            batch_size=-1,
            shuffle_files=False,
            as_supervised=True,
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        )
        return tfds.as_numpy(dataset)


def _download(tfds, builder, name):
    import requests

    folder = pathlib.Path(builder.data_dir).parent
    try:
        requests.head(_HOSTS[name], timeout=_HOST_TIMEOUT_SECONDS)
        with tempfile.TemporaryDirectory() as downloads:
            builder.download_and_prepare(download_dir=downloads)
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # Only an empty folder goes: a failed preparation's.


def _remedy(name, data_dir):
    return (
        f"run `tfds build {name} --data_dir={data_dir}` on a machine with a network, or "
        f"point --data_dir at a directory that holds {name}/VERSION."
    )


@contextlib.contextmanager
def _quiet(tfds):
    """Without TFDS' progress bars, and with absl's errors only."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
