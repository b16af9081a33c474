"""ImageNet from its files: splits, reproducible order, crops, normalization, errors."""

import functools
import io
import itertools
import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from mc_tf.data import endless_batches
from mc_tf.data.decoding import center_crop, random_crop
from mc_tf.data.imagenet import load_imagenet
from mc_tf.training import TrainingOptions, train_network

SIZE = 32
BATCH = 64


@pytest.fixture(scope="module")
def data_dir():
    default = pathlib.Path(__file__).parents[3] / "shared" / "data" / "tfds"
    path = pathlib.Path(os.environ.get("MC_TF_DATA_DIR", default))
    if not (path / "imagenet2012").is_dir():
        pytest.skip(f"imagenet2012 is not in {path} (set MC_TF_DATA_DIR)")
    return path


@pytest.fixture(scope="module")
def held_out(data_dir):
    return load_imagenet(data_dir, image_size=SIZE)


@pytest.fixture(scope="module")
def whole(data_dir):
    return load_imagenet(str(data_dir), use_test=True, normalization="torch", image_size=SIZE)


@pytest.fixture(scope="module")
def two_epochs(held_out):
    return first_batches(held_out, 2 * held_out.steps_per_epoch(BATCH), seed=1)


@pytest.fixture(scope="module")
def stored(data_dir):
    """Contents of the files, read without TFDS: lists of (encoded image, label)."""
    features = {"image": "string", "label": "int64"}
    spec = {name: tf.io.FixedLenFeature((), dtype) for name, dtype in features.items()}

    @functools.cache
    def read(split):
        files = sorted(map(str, data_dir.glob(f"imagenet2012/*/*-{split}.tfrecord-*")))
        records = [tf.io.parse_single_example(r, spec) for r in tf.data.TFRecordDataset(files)]
        return [(record["image"].numpy(), int(record["label"])) for record in records]

    return read


def first_batches(data, count, batch_size=BATCH, **options):
    return list(itertools.islice(endless_batches(data, batch_size, **options), count))


def labels_of(batches):
    return np.concatenate([y for _, y in batches])


def assert_equal(received, expected):
    for (x, y), (u, v) in zip(received, expected, strict=True):
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)


def caffe_to_rgb(x):
    return np.asarray(x)[..., ::-1] + np.array([123.68, 116.779, 103.939])


def encoded(array, form, mode=None):
    """One image as a file of the given form, written without TensorFlow."""
    file = io.BytesIO()
    pytest.importorskip("PIL.Image").fromarray(array).convert(mode).save(file, form)
    return tf.constant(file.getvalue())


def smooth(height, width):
    """An image of color gradients, so that crops and sizes can be told from its values."""
    rows, columns = np.linspace(0, 255, height)[:, None], np.linspace(0, 255, width)[None]
    planes = np.broadcast_arrays(rows, columns, 100.0)
    return np.stack(planes, -1).astype("uint8")


def test_sizes_of_the_parts(held_out, whole, stored):
    train, validation = len(stored("train")), len(stored("validation"))
    kept_back = train // 100
    assert (held_out.num_train, held_out.num_test) == (train - kept_back, kept_back)
    assert (whole.num_train, whole.num_test) == (train, validation)
    assert (held_out.test_name, whole.test_name) == ("held-out train", "validation")
    assert held_out.steps_per_epoch(BATCH) == -(-(train - kept_back) // BATCH)
    labels = [label for _, label in stored("train")]
    np.testing.assert_array_equal(labels_of(held_out.test_batches()), labels[-kept_back:])


def test_description(held_out, whole):
    assert (held_out.name, held_out.num_classes) == ("imagenet2012", 1000)
    assert held_out.input_shape == (SIZE, SIZE, 3)
    expected = {"data": "imagenet2012", "test": "validation", "normalization": "torch"}
    number = {"image_size": SIZE, "train_examples": whole.num_train}
    assert whole.settings == {**expected, **number}
    assert whole.first(30, 20).settings["train_examples"] == 30
    assert (whole.first(30, 20).num_test, whole.first(10**9, 20).num_train) == (20, whole.num_train)
    assert held_out.settings["normalization"] == "caffe"
    assert held_out.network_options(128) == {}
    for _ in range(2):  # new ones each time
        metrics = held_out.metrics()
        for metric in metrics:
            metric.update_state([7], [[0.0] * 5 + [0.2, 0.3, 0.1, 0.4]])
        received = {m.name: (float(m.result()), float(m.count)) for m in metrics}
        assert received == {"accuracy": (0, 1), "top_5_accuracy": (1, 1)}


def test_the_best_network_is_not_chosen_on_the_test_images(held_out, whole, tmp_path):
    options = TrainingOptions(epochs=1, learning_rate=0.1, keep_best=True)
    with pytest.raises(ValueError, match="the data set has none with use_test"):
        train_network(tmp_path, whole, "imagenet_resnet50", options)
    with pytest.raises(ValueError, match="Unknown network"):  # the next check
        train_network(tmp_path, held_out, "resnt", options)


def test_every_image_comes_once_an_epoch_in_another_order(held_out, two_epochs, stored):
    steps = held_out.steps_per_epoch(BATCH)
    first, second = labels_of(two_epochs[:steps]), labels_of(two_epochs[steps:])
    expected = [label for _, label in stored("train")][: held_out.num_train]
    assert sorted(first) == sorted(second) == sorted(expected)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, expected)
    short = held_out.num_train - (steps - 1) * BATCH
    assert [len(y) for _, y in two_epochs] == 2 * ([BATCH] * (steps - 1) + [short])
    for x, y in two_epochs:
        assert (x.shape, x.dtype, y.dtype) == ((len(y), SIZE, SIZE, 3), tf.float32, tf.int32)
        rgb = caffe_to_rgb(x)
        assert rgb.min() > -0.01 and rgb.max() < 255.01
        assert rgb.std() > 30


def test_resumed_batches_equal_the_uninterrupted_ones(held_out, two_epochs):
    steps = held_out.steps_per_epoch(BATCH)
    keras.utils.set_random_seed(0)  # Nothing but the seed given counts.
    for start_step in (1, steps + 2):
        rest = two_epochs[start_step : start_step + 2]
        assert_equal(first_batches(held_out, len(rest), seed=1, start_step=start_step), rest)


def test_one_epoch_is_what_training_sees_of_it(held_out, two_epochs):
    steps = held_out.steps_per_epoch(BATCH)
    epoch = held_out.epoch_batches(BATCH, seed=1, epoch=1, first_step=2)
    assert epoch.cardinality() == steps - 2
    assert_equal(epoch, two_epochs[steps + 2 :])
    assert endless_batches(held_out, BATCH).cardinality() == -1  # infinite


@pytest.mark.parametrize("count", [2, pytest.param(BATCH, marks=pytest.mark.long)])
def test_processes_make_parts_of_each_batch(held_out, two_epochs, count):
    steps = held_out.steps_per_epoch(BATCH)
    parts = [
        list(held_out.epoch_batches(BATCH, 1, 1, steps - 1, part=(index, count)))
        for index in range(count)
    ]
    ((x, y),) = two_epochs[-1:]
    assert [len(part) for part in parts] == count * [1]  # also of no image
    for index, ((own_x, own_y),) in enumerate(parts):
        np.testing.assert_array_equal(own_x, x[index::count])
        np.testing.assert_array_equal(own_y, y[index::count])


def test_batches_depend_on_the_seed_and_not_on_their_size(held_out, two_epochs):
    ((x, y),) = first_batches(held_out, 1, seed=1, batch_size=20)
    np.testing.assert_array_equal(x, two_epochs[0][0][:20])
    ((_, other),) = first_batches(held_out, 1, seed=2, batch_size=20)
    assert not np.array_equal(other, y)


def test_test_images_are_center_crops_in_stored_order(whole, stored):
    ((x, y),) = whole.test_batches(12, num_examples=12)
    files, labels = zip(*stored("validation")[:12], strict=True)
    np.testing.assert_array_equal(y, labels)
    for received, file in zip(x, files, strict=True):
        image = tf.io.decode_jpeg(file, channels=3)
        height, width = image.shape[:2]
        scale = round(SIZE * 256 / 224) / min(height, width)
        resized = tf.image.resize(image, (round(height * scale), round(width * scale))).numpy()
        row, column = (resized.shape[0] - SIZE) // 2, (resized.shape[1] - SIZE) // 2
        expected = resized[row : row + SIZE, column : column + SIZE]
        expected = keras.applications.imagenet_utils.preprocess_input(expected, mode="torch")
        np.testing.assert_allclose(received, expected, atol=0.02)


def test_normalizations_are_those_of_keras_applications(data_dir, whole):
    torch = next(iter(whole.test_batches(4)))[0].numpy()
    rgb = (torch * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]) * 255
    caffe = load_imagenet(data_dir, use_test=True, image_size=SIZE)
    caffe = next(iter(caffe.test_batches(4)))[0].numpy()
    preprocess = keras.applications.imagenet_utils.preprocess_input
    np.testing.assert_allclose(caffe, preprocess(rgb.copy(), mode="caffe"), atol=1e-3)
    np.testing.assert_allclose(torch, preprocess(rgb.copy(), mode="torch"), atol=1e-5)


def test_train_eval_batches_are_plain_and_in_stored_order(held_out, stored):
    batches = list(held_out.train_eval_batches(10, num_examples=25))
    assert [len(y) for _, y in batches] == [10, 10, 5]
    assert labels_of(batches).tolist() == [label for _, label in stored("train")[:25]]
    expected = center_crop(stored("train")[3][0], SIZE)
    np.testing.assert_allclose(caffe_to_rgb(batches[0][0][3]), expected, atol=1e-3)
    assert held_out.train_eval_batches(100).cardinality() == -(-held_out.num_train // 100)


def test_statistics_are_estimated_on_random_crops_the_same_at_each_pass(held_out, stored):
    batches, again = (list(held_out.batch_norm_data(10, num_examples=25)) for _ in range(2))
    assert [len(y) for _, y in batches] == [10, 10, 5]
    assert labels_of(batches).tolist() == [label for _, label in stored("train")[:25]]
    plain = list(held_out.train_eval_batches(10, num_examples=25))
    for (x, _), (same, _), (other, _) in zip(batches, again, plain):
        np.testing.assert_array_equal(x, same)
        assert np.abs(x - other).mean(axis=(1, 2, 3)).min() > 1


def test_random_crops_have_the_area_and_shape_asked_for():
    height, width = 200, 300
    file = encoded(smooth(height, width), "PNG")  # lossless
    areas, ratios, mirrored = [], [], []
    crop = tf.function(random_crop)  # as a pipeline runs it
    for number in range(300):
        image = crop(file, tf.constant([5, number], "int64"), 64).numpy()
        slopes = [np.diff(image[..., axis].mean(1 - axis))[8:-8].mean() for axis in (0, 1)]
        rows, columns = abs(np.array(slopes)) * 64 * np.array([height, width]) / 255
        areas.append(rows * columns / (height * width))
        ratios.append(columns / rows)
        mirrored.append(slopes[1] < 0)
    assert 0.06 < min(areas) < 0.12 and 0.8 < max(areas) < 1.02
    assert 0.7 < min(ratios) < 0.8 and 1.25 < max(ratios) < 1.4
    assert abs(np.mean(mirrored) - 0.5) < 0.1


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("channels", ["gray", "color"])
def test_other_files_are_read_as_colors(form, channels):
    array = smooth(90, 70) if channels == "color" else smooth(90, 70)[..., 0]
    file = encoded(array, form)
    for image in (center_crop(file, SIZE), random_crop(file, tf.constant([1, 2]), SIZE)):
        assert image.shape == (SIZE, SIZE, 3)
        assert (np.ptp(image, axis=-1).max() == 0) == (channels == "gray")
    # The same window is cut out of a JPEG and of a PNG.
    png = random_crop(encoded(array, "PNG"), tf.constant([1, 2]), SIZE)
    np.testing.assert_allclose(image, png, atol=6)


def test_cmyk_files_are_read_as_colors():
    file = encoded(np.full((40, 60, 3), (200, 100, 50), "uint8"), "JPEG", "CMYK")
    for crop in (random_crop(file, tf.constant([1, 2]), SIZE), center_crop(file, SIZE)):
        np.testing.assert_allclose(crop, np.full((SIZE, SIZE, 3), (200, 100, 50)), atol=4)


def test_bad_arguments_say_what_was_expected(data_dir, held_out):
    for count in (0, held_out.num_train + 1):
        with pytest.raises(ValueError, match=f"between 1 and {held_out.num_train}.*={count}"):
            held_out.train_eval_batches(num_examples=count)
    with pytest.raises(ValueError, match="between 1 and 2,"):
        held_out.test_batches(num_examples=3)
    for batches in (held_out.epoch_batches, held_out.test_batches):
        with pytest.raises(ValueError, match="batch_size must be at least 1.*=0"):
            batches(0)
    with pytest.raises(ValueError, match="start_step.*=-1"):
        endless_batches(held_out, BATCH, start_step=-1)
    with pytest.raises(ValueError, match="'tf'.*one of: caffe, torch"):
        load_imagenet(data_dir, normalization="tf")
    with pytest.raises(ValueError, match="image_size must be at least 1.*=0"):
        load_imagenet(data_dir, image_size=0)


def test_missing_data_is_one_clear_line_and_leaves_nothing(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(FileNotFoundError, match="ILSVRC2012_img_train.tar") as caught:
            load_imagenet(path)
        line = str(caught.value)
        assert "\n" not in line and str(path) in line and "--data_dir" in line
    assert list(tmp_path.iterdir()) == []
