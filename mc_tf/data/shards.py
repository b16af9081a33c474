"""Finds the damaged file of a prepared data set, which TensorFlow's errors do not name."""

import functools
import glob
import json
import os
import re
import struct

import tensorflow as tf

__all__ = ["UNREADABLE", "damaged_settings", "find_damage"]

UNREADABLE = (tf.errors.OpError, UnicodeDecodeError)  # TensorFlow may quote unparsable bytes

_LENGTH, _CHECKSUM = 8, 4  # bytes: a record is its length, a checksum, its data, a checksum


def find_damage(builder):
    """Finds the first file of a data set that is damaged, missing or cannot be decoded.

    Checks the lengths of all records first, which takes seconds. Reads whole files only if the
    lengths are correct, and decodes all records only if the checksums are correct.

    Args:
        builder: a `tfds.core.DatasetBuilder`.

    Returns:
        str that names the file and its damage; `None` if there is none.
    """
    info = builder.info
    files = [file for split in (info.splits or {}).values() for file in split.filepaths]
    decode = functools.partial(_wrong_record, features=info.features)
    for check in (_wrong_length, _wrong_content, decode):
        for file in map(os.fspath, files):
            reason = check(file)
            if reason:
                return f"'{file}' {reason}. Restore it, or prepare the data set again."
    return None


def damaged_settings(directory):
    """Finds the first unreadable JSON file of TFDS in the directory of a data set.

    Args:
        directory: `DATA_DIR/NAME`.

    Returns:
        str that names the file and the reason; `None` if all are readable.
    """
    for file in sorted(glob.glob(os.path.join(glob.escape(directory), "*", "*.json"))):
        try:
            with open(file, encoding="utf-8") as opened:
                if not isinstance(json.load(opened), dict):
                    raise ValueError("it is not a JSON object")
        except (OSError, ValueError, RecursionError) as error:
            return f"'{file}' is damaged ({error})"
    return None


def _wrong_length(file):
    try:
        size, place, number = os.path.getsize(file), 0, 0
        if not size:
            return "is empty"
        with open(file, "rb") as opened:
            while place < size:
                opened.seek(place)
                head = opened.read(_LENGTH)
                length = struct.unpack("<Q", head)[0] if len(head) == _LENGTH else size
                end = place + _LENGTH + _CHECKSUM + length + _CHECKSUM
                if end > size:
                    return (
                        f"is cut off or damaged: record {number} does not end in its {size} bytes"
                    )
                place, number = end, number + 1
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def _wrong_content(file):
    try:
        for _ in tf.data.TFRecordDataset(file, buffer_size=1 << 20).batch(1024):
            pass
    except tf.errors.OpError as error:
        return f"is damaged ({type(error).__name__})"
    return None


def _wrong_record(file, features):
    records = tf.data.TFRecordDataset(file)
    try:
        for _ in records.map(features.deserialize_example, tf.data.AUTOTUNE):
            pass
        return None
    except UNREADABLE:
        for number, record in enumerate(records):
            try:
                features.deserialize_example(record)
            except UNREADABLE as error:
                reason = re.split(r"\n|\[Op:", re.sub(r"\{\{.*?\}\}", "", str(error)))[0].strip()
                return f"holds record {number}, which cannot be decoded ({reason})"
    return None
