"""Going through data batch by batch, and keeping what was read."""

import numpy as np
import pytest

from mc_tf.backend.batches import Batches, KeptBatches, data_fingerprint
from mc_tf.evaluation.data import EvaluationData

X, Y = np.arange(20, dtype="float32").reshape(10, 2), np.arange(10)


class Read:
    """Batches of an iterable that counts its passes, and may fail in one."""

    def __init__(self, fail_in=None):
        self.passes, self.fail_in = 0, fail_in

    def __iter__(self):
        self.passes += 1
        for first in range(0, 10, 4):
            if self.passes == self.fail_in and first:
                raise OSError("pulled the plug")
            yield X[first : first + 4], Y[first : first + 4]


def labels(data):
    return np.concatenate([y for _, y, _ in Batches(data)])


def test_kept_batches_are_read_once():
    data = Read()
    kept = KeptBatches(data)
    for _ in range(3):
        np.testing.assert_array_equal(labels(kept), Y)
    assert data.passes == 1


def test_a_buffer_that_is_filled_anew_is_copied():
    class Filled:
        def __iter__(self):
            buffer = np.zeros(2)
            for value in range(3):
                buffer[:] = value
                yield buffer, buffer

    kept = KeptBatches(Filled())
    for _ in range(2):
        np.testing.assert_array_equal(labels(kept), [0, 0, 1, 1, 2, 2])


def test_a_first_pass_that_was_stopped_keeps_nothing():
    data = Read(fail_in=1)
    kept = KeptBatches(data)
    with pytest.raises(OSError, match="plug"):
        labels(kept)
    next(iter(kept))  # nor does one that was left
    for _ in range(2):
        np.testing.assert_array_equal(labels(kept), Y)
    assert data.passes == 3


def test_a_large_data_set_is_read_at_each_pass():
    size = X.nbytes + Y.nbytes
    for limit, passes in ((size, 3), (size + 1, 1), (0, 3)):
        data = Read()
        kept = KeptBatches(data, limit_bytes=limit)
        for _ in range(3):
            np.testing.assert_array_equal(labels(kept), Y)
        assert data.passes == passes, limit


def test_kept_arrays_and_tensorflows_data_sets():
    np.testing.assert_array_equal(labels(KeptBatches((X, Y), 3)), Y)
    assert len(list(KeptBatches((X, Y), 3))) == 4
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices(({"a": X}, Y)).batch(4)
    kept = KeptBatches(dataset, limit_bytes=X.nbytes + Y.nbytes + 1)
    for _ in range(2):
        np.testing.assert_array_equal(labels(kept), Y)
    assert kept._kept is not None
    with pytest.raises(ValueError, match="never ends"):
        KeptBatches(dataset.repeat())


def test_what_tells_data_apart():
    different = [(X, Y), (X + 1, Y), (X, Y + 1), X, (X[:9], Y[:9]), Read()]
    assert len({data_fingerprint(data) for data in different}) == 6
    assert data_fingerprint(Read()) == ""
    assert data_fingerprint((X, Y)) == data_fingerprint((X.copy(), Y.copy()))
    together = {
        EvaluationData((X, Y)).fingerprint(),
        EvaluationData((X, Y), (X, Y)).fingerprint(),
        EvaluationData((X, Y), extra_data={"validation": (X, Y)}).fingerprint(),
        EvaluationData((X, Y), batch_norm_data=(X, Y)).fingerprint(),
    }
    assert len(together) == 4
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    assert data_fingerprint(dataset) == data_fingerprint(dataset.shuffle(9)) == "3 batches"


def test_a_data_set_that_is_given_twice_is_kept_once():
    data, other = Read(), Read()
    kept = EvaluationData(data, data, {"validation": other}).kept()
    assert kept.train is kept.test is kept.for_statistics
    assert kept.extra_data["validation"] is not kept.train
    assert len(labels(kept.train)) == 10 and not other.passes
    assert list(kept.evaluated) == ["train", "test", "validation"]
    kept = EvaluationData(data, other, batch_norm_data=other).kept()
    assert kept.for_statistics is kept.test
    assert len(labels(kept.for_statistics)) == 10 and other.passes == 1


def test_a_list_of_batches_is_refused():
    with pytest.raises(ValueError, match=r"\(x, y\).*a list of 4.*list of batches.*`PyDataset`"):
        list(Batches([(X, Y)] * 4))
