"""The table of training epochs."""

import csv
import os

import keras

from mc_tf.distribute.processes import is_chief
from mc_tf.storage.files import atomic_path

__all__ = ["HistoryFile"]


class HistoryFile(keras.callbacks.Callback):
    """Appends the logs of each epoch to a CSV file, with one column per value.

    Keras' `CSVLogger` adds empty validation columns if there is no validation. The file has no
    checksum, which other tools would read as a row. Nothing is computed from it: training resumes
    from the checkpoint, and the report shows its last complete row.

    Args:
        path: file name.
    """

    def __init__(self, path):
        super().__init__()
        self.path = path

    def trim(self, epochs):
        """Drops rows of epochs after the checkpoint, which are trained again, and incomplete lines.

        Args:
            epochs: number of epochs whose rows are kept.
        """
        if not os.path.exists(self.path):
            return
        with open(self.path, "rb") as file:
            first, *rows = file.readlines() or [b""]
        if not epochs:
            first = b""
        numbers = [row.split(b",")[0] if row.endswith(b"\n") else b"" for row in rows]
        kept = [number.isdigit() and int(number) < epochs for number in numbers]
        rows = [row for row, is_kept in zip(rows, kept) if is_kept]
        with atomic_path(self.path) as temporary, open(temporary, "wb") as file:
            file.writelines([first, *rows])

    def on_epoch_end(self, epoch, logs=None):
        """Appends a row."""
        if not is_chief():
            return
        row = {"epoch": epoch, **{name: logs[name] for name in sorted(logs or {})}}
        with open(self.path, "a+", newline="", encoding="utf-8") as file:
            file.seek(0)
            columns = next(csv.reader(file), None)
            # A file started by an earlier release has its own columns.
            writer = csv.DictWriter(file, columns or list(row), restval="NA", extrasaction="ignore")
            if not columns:
                writer.writeheader()
            writer.writerow(row)
