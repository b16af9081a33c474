"""Reads data sets through TFDS, with a one-line error if they are not available."""

import contextlib
import os
import pathlib
import tempfile

import tensorflow as tf
from absl import logging

from mc_tf.data.shards import UNREADABLE, damaged_settings, find_damage

# TFDS retries an unreachable host for minutes, so these are checked once first.
_HOSTS = {
    "cifar10": "https://www.cs.toronto.edu",
    "cifar100": "https://www.cs.toronto.edu",
    "mnist": "https://storage.googleapis.com",
}
_HOST_TIMEOUT_SECONDS = 10
_SHUFFLE_BUFFER = 4096  # images of some 110 kB each in memory
# Archives that require a login on their owner's site.
_ARCHIVES = {"imagenet2012": "ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar"}


def read(name, split, data_dir=None):
    """Decodes one split of a TFDS image data set into memory.

    A data set that is not prepared in `data_dir` is downloaded and prepared there; a failed attempt
    leaves no files.

    Args:
        name: TFDS name: `"mnist"`, `"cifar10"` or `"cifar100"`.
        split: `"train"` or `"test"`.
        data_dir: Directory containing `NAME/VERSION`. Defaults to the directory of TFDS.

    Returns:
        Images, uint8 `(n, height, width, channels)`, and labels, int64 `(n,)`, in the stored order.

    Raises:
        FileNotFoundError: If the data set is neither in `data_dir` nor downloadable.
        OSError: If its files are damaged.
    """
    import tensorflow_datasets as tfds

    builder = prepared_builder(name, data_dir)
    with _quiet(tfds):
        try:
            dataset = builder.as_dataset(
                split=split,
                batch_size=-1,
                shuffle_files=False,
                as_supervised=True,
                read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
            )
            return tfds.as_numpy(dataset)
        except (*UNREADABLE, AssertionError) as error:  # TFDS raises assertions on file contents
            damage = find_damage(builder) or "An image or label in them cannot be decoded."
            raise OSError(
                f"The files of '{name}' in '{builder.data_dir}' cannot be read "
                f"({type(error).__name__}): {damage}"
            ) from error


def encoded_examples(builder, split, seeds=None):
    """Reads one split record by record, with the images left encoded.

    Args:
        builder: Builder from `prepared_builder`.
        split: Name of a split, or a slice of it such as `"train[:-500]"`.
        seeds: Two integers, or an int64 tensor `(2,)`, that determine the order: 16 files at a
            time, in random order, are interleaved, and images are drawn from a buffer of 4096.
            Defaults to `None`: the stored order.

    Returns:
        A finite `tf.data.Dataset` of `(image, label)`: a scalar string, the encoded
        file, and a scalar int32.
    """
    if seeds is None:
        return _records(builder, split, interleave_cycle_length=1)

    @tf.autograph.experimental.do_not_convert  # AutoGraph cannot convert TFDS, and warns.
    def shuffled(seeds):
        # Otherwise each shuffle depends on the caller's global seed; this sets the graph's seed.
        # With 0 a shuffle accepts no tensor.
        tf.compat.v1.set_random_seed(1)
        records = _records(builder, split, shuffle_seed=seeds[0], interleave_cycle_length=16)
        return records.shuffle(_SHUFFLE_BUFFER, seeds[1], reshuffle_each_iteration=False)

    seeds = tf.cast(seeds, "int64")
    return tf.data.Dataset.from_tensors(seeds).flat_map(shuffled)


def _records(builder, split, **read_options):
    import tensorflow_datasets as tfds

    with _quiet(tfds):
        dataset = builder.as_dataset(
            split=split,
            shuffle_files="shuffle_seed" in read_options,
            decoders={"image": tfds.decode.SkipDecoding()},
            # The guard rejects shuffling data sets that were stored unshuffled.
            read_config=tfds.ReadConfig(
                try_autocache=False, enable_ordering_guard=False, **read_options
            ),
        )
    return dataset.map(lambda example: (example["image"], tf.cast(example["label"], "int32")))


def prepared_builder(name, data_dir=None):
    """Returns the TFDS builder of a data set that is ready to read.

    A data set that is not prepared in `data_dir` is downloaded and prepared there, unless its
    archives require a manual download.

    Args:
        name: TFDS name: `"mnist"`, `"cifar10"`, `"cifar100"` or `"imagenet2012"`.
        data_dir: Directory containing `NAME/VERSION`. Defaults to the directory of TFDS.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        FileNotFoundError: If the data set is neither in `data_dir` nor downloadable.
        OSError: If its description is damaged.
    """
    if data_dir is not None:
        data_dir = os.path.expanduser(os.fspath(data_dir))
        if not tf.io.gfile.isdir(data_dir):
            raise FileNotFoundError(
                f"data_dir {data_dir!r} is not a directory: {_remedy(name, data_dir)}"
            )
    import tensorflow_datasets as tfds

    where = data_dir or tfds.core.constants.DATA_DIR
    damaged = damaged_settings(os.path.join(where, name))
    if damaged:  # TFDS would try the network for minutes
        raise OSError(
            f"Data set {name!r} in {where!r} cannot be read: {damaged}. Restore that file, or "
            "delete its directory and prepare the data set again."
        )
    with _quiet(tfds):
        try:
            builder = tfds.builder(name, data_dir=data_dir)
            ready = builder.is_prepared()
            if not ready and name in _HOSTS:
                _download(tfds, builder, name)
                ready = True
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise FileNotFoundError(
                f"Data set {name!r} is not prepared in {where!r} and could not be "
                f"downloaded: {_remedy(name, where)} ({reason})"
            ) from error
    if not ready:
        raise FileNotFoundError(
            f"Data set {name!r} is not prepared in {where!r}: {_remedy(name, where)}"
        )
    return builder


def _download(tfds, builder, name):
    import requests

    folder = pathlib.Path(builder.data_dir).parent
    try:
        requests.head(_HOSTS[name], timeout=_HOST_TIMEOUT_SECONDS)
        with tempfile.TemporaryDirectory() as downloads:
            builder.download_and_prepare(download_dir=downloads)
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # Only removes an empty folder of a failed preparation.


def _remedy(name, data_dir):
    build = f"run `tfds build {name} --data_dir={data_dir}`"
    if name in _ARCHIVES:
        how = f"put {_ARCHIVES[name]} into {data_dir}/downloads/manual and {build}"
    else:
        how = f"{build} on a machine with a network"
    return f"{how}, or set --data_dir to a directory with {name}/VERSION."


@contextlib.contextmanager
def _quiet(tfds):
    """Disables TFDS' progress bars and all absl messages except errors."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
