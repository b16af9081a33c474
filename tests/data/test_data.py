"""Data sets: splits, reproducible order, augmentation, normalization, errors."""

import dataclasses
import itertools
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from mc_tf import data as mc_data
from mc_tf.data import ImageData, TextData, catalog, crop_and_flip, endless_batches, load
from mc_tf.data.uci import SETS as UCI

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


@pytest.fixture(scope="module")
def data_dir():
    default = pathlib.Path(__file__).parents[3] / "shared" / "data" / "tfds"
    path = pathlib.Path(os.environ.get("MC_TF_DATA_DIR", default))
    if not path.is_dir():
        pytest.skip(f"no data sets: {path} is not there (set MC_TF_DATA_DIR)")
    return path


def skip_without(data_dir, name):
    if not (data_dir / name).is_dir():
        pytest.skip(f"{name} is not in {data_dir}")


@pytest.fixture(scope="module")
def colors():
    """CIFAR-like random images; the label of an image is its index."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (50, 32, 32, 3), dtype="uint8")
    return ImageData(
        name="colors",
        num_classes=50,
        x_train=x,
        y_train=np.arange(50),
        x_test=x[:7],
        y_test=np.arange(7),
        mean=MEAN,
        std=STD,
        padding=4,
        flip=True,
    )


def test_settings_tell_how_images_are_served(colors):
    """Training does not mistake an old run for one with other crops."""
    plain = dataclasses.replace(colors, padding=0, flip=False, scale=16.0)
    assert colors.settings["padding"] == 4 and colors.settings["flip"] is True
    assert "scale" not in colors.settings and plain.settings["scale"] == 16
    assert not {"padding", "flip"} & set(plain.settings)
    digits = load("digits")
    assert digits.scale == 16 and "scale" not in digits.settings  # as their name says
    assert dataclasses.replace(digits, padding=1).settings["padding"] == 1


def epochs_of(data, count, batch_size=16, **options):
    """The first `count` epochs as lists of numpy batches."""
    steps = data.steps_per_epoch(batch_size)
    batches = endless_batches(data, batch_size, **options).as_numpy_iterator()
    return [list(itertools.islice(batches, steps)) for _ in range(count)]


def labels_of(epoch):
    return np.concatenate([y for _, y in epoch])


def images_of(epoch):
    return np.concatenate([x for x, _ in epoch])


def normalized(x, mean=MEAN, std=STD, scale=255):
    return (x / scale - np.array(mean)) / np.array(std)


def test_every_image_comes_once_an_epoch_in_another_order(colors):
    first, second = epochs_of(colors, 2)
    assert [len(y) for _, y in first] == [16, 16, 16, 2]
    assert sorted(labels_of(first)) == sorted(labels_of(second)) == list(range(50))
    assert not np.array_equal(labels_of(first), labels_of(second))
    assert not np.array_equal(labels_of(first), np.arange(50))


def test_batches_depend_on_the_seed(colors):
    one, again, other = (epochs_of(colors, 1, seed=s)[0] for s in (3, 3, 4))
    np.testing.assert_array_equal(images_of(one), images_of(again))
    np.testing.assert_array_equal(labels_of(one), labels_of(again))
    assert not np.array_equal(labels_of(one), labels_of(other))


@pytest.mark.parametrize("kind", ["images", "text"])
def test_any_step_resumes_the_uninterrupted_run(colors, kind):
    words = np.arange(16 * 13) % 11
    text = TextData("text", list("abcdefghijk"), words, words, words, num_steps=3)
    data = {"images": colors, "text": text}[kind]
    assert data.steps_per_epoch(16) == 4
    whole = sum(epochs_of(data, 4, seed=1), [])
    for start in (1, 8, 11):
        resumed = endless_batches(data, 16, seed=1, start_step=start).as_numpy_iterator()
        for expected, received in zip(whole[start:], resumed):
            np.testing.assert_array_equal(expected[0], received[0])
            np.testing.assert_array_equal(expected[1], received[1])


@pytest.mark.parametrize("own", [False, True])
def test_processes_make_parts_of_each_batch(colors, own):
    from mc_tf.data.parts import parts_of_epoch

    class Reversed(type(colors)):
        def epoch_batches(self, batch_size, seed, epoch, first_step=0):
            batches = super().epoch_batches(batch_size, seed, epoch, first_step)
            return batches.map(lambda x, y: (x[::-1], y[::-1]))

    given = 16, 3, 2, 1
    if own:  # a method without `part`
        fields = dataclasses.fields(colors)
        colors = Reversed(**{field.name: getattr(colors, field.name) for field in fields})
    whole = list(colors.epoch_batches(*given))
    for count in (1, 2, 3):
        parts = [list(parts_of_epoch(colors, (i, count), *given)) for i in range(count)]
        assert {len(part) for part in parts} == {len(whole)}
        for (x, y), *each in zip(whole, *parts):
            assert max(len(y) for _, y in each) - min(len(y) for _, y in each) <= 1
            np.testing.assert_array_equal(np.concatenate([x for x, _ in each]), x)
            np.testing.assert_array_equal(np.concatenate([y for _, y in each]), y)


def test_batch_size_changes_neither_order_nor_augmentation(colors):
    small, large = (epochs_of(colors, 1, batch_size=size)[0] for size in (7, 50))
    np.testing.assert_array_equal(labels_of(small), labels_of(large))
    np.testing.assert_array_equal(images_of(small), images_of(large))


def test_training_images_are_crops_of_the_padded_image_some_mirrored(colors):
    padded = np.pad(colors.x_train, [(0, 0), (4, 4), (4, 4), (0, 0)])
    seen = []
    for epoch in epochs_of(colors, 3):
        for image, label in zip(images_of(epoch), labels_of(epoch), strict=True):
            raw = np.rint((image * STD + MEAN) * 255).astype("uint8")
            seen += [
                (row, column, mirrored)
                for row in range(9)
                for column in range(9)
                for mirrored in (False, True)
                if np.array_equal(
                    padded[label, row : row + 32, column : column + 32][
                        :, :: -1 if mirrored else 1
                    ],
                    raw,
                )
            ]
    rows, columns, mirrored = map(np.array, zip(*seen, strict=True))
    assert len(seen) == 150
    assert set(rows) == set(columns) == set(range(9))
    assert abs(mirrored.mean() - 0.5) < 0.15
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.3


def test_an_image_is_augmented_differently_in_each_epoch(colors):
    first, second = epochs_of(colors, 2)
    x, z = images_of(first), images_of(second)
    same = [np.array_equal(x[labels_of(first) == i], z[labels_of(second) == i]) for i in range(50)]
    assert sum(same) < 5


def test_crop_and_flip_against_numpy():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 5, 7, 2)).astype("float32")
    offsets, flips = rng.integers(0, 5, (6, 2)), rng.integers(0, 2, 6) > 0
    padded = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)])
    expected = np.stack(
        [
            p[r : r + 5, c : c + 7][:, :: -1 if f else 1]
            for p, (r, c), f in zip(padded, offsets, flips, strict=True)
        ]
    )
    received = crop_and_flip(x, offsets, flips, padding=2)
    np.testing.assert_array_equal(received, expected)


def test_without_augmentation_images_are_only_normalized(colors):
    (epoch,) = epochs_of(dataclasses.replace(colors, padding=0, flip=False), 1)
    expected = normalized(colors.x_train[labels_of(epoch)])
    np.testing.assert_allclose(images_of(epoch), expected, atol=1e-5)


def test_statistics_are_estimated_on_crops_and_flips_the_same_at_each_pass(colors):
    batches, again = (
        list(colors.batch_norm_data(20, num_examples=25).as_numpy_iterator()) for _ in range(2)
    )
    assert [len(y) for _, y in batches] == [20, 5]
    np.testing.assert_array_equal(labels_of(batches), np.arange(25))
    np.testing.assert_array_equal(images_of(batches), images_of(again))
    black = normalized(np.zeros((1, 40, 40, 3)))[0]
    offsets, flips = set(), set()
    for found, stored in zip(images_of(batches), normalized(colors.x_train)):
        wide = black.copy()
        wide[4:-4, 4:-4] = stored
        crops = {
            (row, column, flip): wide[row : row + 32, column : column + 32][:, :: -1 if flip else 1]
            for row in range(9)
            for column in range(9)
            for flip in (False, True)
        }
        ((row, column, flip),) = [
            key for key, crop in crops.items() if np.allclose(crop, found, atol=1e-5)
        ]
        offsets.add((row, column))
        flips.add(flip)
    assert len(offsets) > 15 and flips == {False, True}


def test_without_augmentation_statistics_are_estimated_on_the_images_as_they_are(colors):
    plain = dataclasses.replace(colors, padding=0, flip=False)
    for (x, y), (same, labels) in zip(plain.batch_norm_data(20), plain.train_eval_batches(20)):
        np.testing.assert_array_equal(x, same)
        np.testing.assert_array_equal(y, labels)


def test_evaluation_batches_are_finite_ordered_and_plain(colors):
    batches = list(colors.train_eval_batches(20).as_numpy_iterator())
    assert [len(y) for _, y in batches] == [20, 20, 10]
    assert images_of(batches).dtype == np.float32
    assert labels_of(batches).dtype == np.int32
    np.testing.assert_array_equal(labels_of(batches), np.arange(50))
    np.testing.assert_allclose(images_of(batches), normalized(colors.x_train), atol=1e-5)
    first = list(colors.train_eval_batches(20, num_examples=25).as_numpy_iterator())
    assert [len(y) for _, y in first] == [20, 5]
    test = list(colors.test_batches(5).as_numpy_iterator())
    np.testing.assert_array_equal(labels_of(test), np.arange(7))
    assert colors.test_batches(5).cardinality() == 2
    assert endless_batches(colors, 5).cardinality() == -1  # infinite


def test_size_properties(colors):
    assert (colors.num_train, colors.num_test) == (50, 7)
    assert colors.image_shape == (32, 32, 3)
    assert colors.steps_per_epoch(16) == 4
    assert colors.steps_per_epoch(25) == 2


def test_float_images_and_one_mean_for_all_channels():
    x = np.random.default_rng(0).uniform(0, 1, (4, 6, 5, 3))
    y = np.zeros(4, "int64")
    data = ImageData("f", 2, x, y, x, y, mean=(0.5,), std=(0.25,), scale=1.0)
    (epoch,) = epochs_of(data, 1, batch_size=4)
    (batch,) = data.test_batches().as_numpy_iterator()
    np.testing.assert_allclose(batch[0], (x - 0.5) / 0.25, atol=1e-5)
    np.testing.assert_allclose(np.sort(images_of(epoch), 0), np.sort(batch[0], 0))


def test_digits():
    validation, test = load("digits"), load("digits", use_test=True)
    assert (validation.num_train, validation.num_test) == (959, 239)
    assert (test.num_train, test.num_test) == (1198, 599)
    assert (validation.test_name, test.test_name) == ("validation", "test")
    assert (validation.has_validation, test.has_validation) == (True, False)
    assert test.image_shape == (8, 8, 1)
    np.testing.assert_array_equal(
        np.concatenate([validation.x_train, validation.x_test]), test.x_train
    )
    np.testing.assert_array_equal(load("digits").x_test, validation.x_test)
    every = np.concatenate([test.x_train, test.x_test]).reshape(1797, -1)
    assert (every.min(), every.max()) == (0, 16)
    shares = [np.bincount(y) / len(y) for y in (test.y_train, test.y_test)]
    np.testing.assert_allclose(*shares, atol=2e-3)
    ((x, _),) = test.train_eval_batches(2000).as_numpy_iterator()
    assert abs(x.mean()) < 0.01 and abs(x.std() - 1) < 0.01
    (epoch,) = epochs_of(test, 1, batch_size=128)
    order = np.lexsort(images_of(epoch).reshape(1198, -1).T)
    np.testing.assert_array_equal(images_of(epoch)[order], x[np.lexsort(x.reshape(1198, -1).T)])


def stored_labels(folder, count):
    """Labels of the first training records, read without TFDS."""
    record = min(folder.glob("*/*-train.tfrecord-*"))
    label = {"label": tf.io.FixedLenFeature((), "int64")}
    records = tf.data.TFRecordDataset(str(record)).take(count)
    return [int(tf.io.parse_single_example(r, label)["label"]) for r in records]


@pytest.mark.long  # read as CIFAR-10 is; gray as the digits are
def test_mnist(data_dir):
    skip_without(data_dir, "mnist")
    data = load("mnist", data_dir=data_dir)
    assert (data.num_train, data.num_test, data.num_classes) == (55000, 5000, 10)
    assert data.image_shape == (28, 28, 1)
    assert data.y_train[:20].tolist() == stored_labels(data_dir / "mnist", 20)
    ((x, _),) = data.train_eval_batches(100, num_examples=100).as_numpy_iterator()
    expected = normalized(data.x_train[:100], 0.1307, 0.3081)
    np.testing.assert_allclose(x, expected, atol=1e-5)


def test_cifar10(data_dir, monkeypatch):
    skip_without(data_dir, "cifar10")
    kept, entry = {}, catalog._ENTRIES["cifar10"]

    def read(name, split, folder):
        """Decodes the training images, which both parts come from, only once."""
        if split not in kept:
            kept[split] = entry.read(name, split, folder)
        return kept[split]

    monkeypatch.setitem(catalog._ENTRIES, "cifar10", dataclasses.replace(entry, read=read))
    validation = load("cifar10", data_dir=str(data_dir))
    test = load("cifar10", data_dir=data_dir, use_test=True, normalization="vgg")
    assert (validation.num_train, validation.num_test) == (45000, 5000)
    assert (test.num_train, test.num_test) == (50000, 10000)
    assert (validation.test_name, test.test_name) == ("validation", "test")
    np.testing.assert_array_equal(validation.x_test, test.x_train[-5000:])
    np.testing.assert_array_equal(validation.y_train, test.y_train[:-5000])
    vgg = normalized(test.x_test[:9], (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    for data, x in ((test, vgg), (validation, normalized(validation.x_test[:9]))):
        ((received, _),) = data.test_batches(9, num_examples=9).as_numpy_iterator()
        np.testing.assert_allclose(received, x, atol=1e-5)
    x, y = next(iter(validation.epoch_batches()))
    assert x.shape == (128, 32, 32, 3) and y.shape == (128,)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="'cifar11'.*cifar10, cifar100, digits, .*mnist, ptb"):
        load("cifar11")
    with pytest.raises(ValueError, match="'vgg'.*one of: digits"):
        load("digits", normalization="vgg")
    named = ["cifar10", "cifar100", "digits", "imagenet2012", "mnist", "ptb", "pydoc"]
    named += ["regression", *(f"uci:{name}" for name in UCI)]
    assert mc_data.names() == named
    assert mc_data.normalizations("cifar100") == ("resnet", "vgg")
    assert mc_data.normalizations("imagenet2012")[0] == "caffe"
    assert mc_data.normalizations("pydoc") == ()


def test_missing_directory_is_one_clear_line(tmp_path):
    missing = tmp_path / "nowhere"
    with pytest.raises(FileNotFoundError, match="tfds build cifar10") as caught:
        load("cifar10", data_dir=missing)
    assert "\n" not in str(caught.value)
    assert str(missing) in str(caught.value)
    assert not missing.exists()


def test_failed_download_is_one_clear_line_and_leaves_nothing(tmp_path, monkeypatch):
    import requests

    def unreachable(*args, **kwargs):
        raise requests.ConnectionError("no\nnetwork")

    monkeypatch.setattr(requests, "head", unreachable)
    with pytest.raises(FileNotFoundError, match="--data_dir.*cifar100/VERSION") as caught:
        load("cifar100", data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, requests.ConnectionError)
    assert list(tmp_path.iterdir()) == []


def test_bad_arguments_say_what_was_expected(colors):
    x, y = colors.x_train, colors.y_train
    with pytest.raises(ValueError, match="batch_size must be at least 1.*=0"):
        endless_batches(colors, 0)
    with pytest.raises(ValueError, match="start_step.*=-1"):
        endless_batches(colors, 16, start_step=-1)
    with pytest.raises(ValueError, match="between 1 and 50.*=51"):
        colors.train_eval_batches(num_examples=51)
    with pytest.raises(ValueError, match="x_train must be an array"):
        ImageData("bad", 50, x[0], y, x, y)
    with pytest.raises(ValueError, match="y_test must hold one label in 0 .. 9"):
        ImageData("bad", 10, x, y % 10, x, y)
    with pytest.raises(ValueError, match="one shape"):
        ImageData("bad", 50, x, y, x[:, :8], y)
    with pytest.raises(ValueError, match="mean must have one value.*3 channels"):
        ImageData("bad", 50, x, y, x, y, mean=(0.5, 0.5))
