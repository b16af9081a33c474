"""Directories that callbacks lock while `fit` runs and release however it ends."""

import contextlib
import threading
import time

from mc_tf.backend.keras_internals import frame_of_fit, is_running
from mc_tf.storage.destinations import directory_held
from mc_tf.typing import Logs

__all__ = ["HoldsDirectory"]

_WATCH_SECONDS = 0.5
_guard = threading.Lock()
_holds = {}  # function that releases a directory -> frame of the `fit` and its thread
_watcher = None


class HoldsDirectory:
    """Mixin for callbacks that write to a directory: locks it while `fit` runs.

    Keras calls no callback method when an error or Ctrl-C ends `fit`. Therefore a thread checks
    whether it is still running and otherwise releases the directory: a notebook may stay open for
    days. Mix it in before `StepCallback`.

    Attributes:
        directory: path; `None` for no lock.
    """

    directory: str | None = None
    _hold = None

    def hold_directory(self) -> None:
        """Locks the directory until `fit` ends; call it at the end of `on_train_begin`.

        Raises:
            InUseError: if another program or thread has locked it.
        """
        self._give_back()
        _give_back_ended()
        self._hold = contextlib.ExitStack()
        self._hold.enter_context(directory_held(self.directory))
        if self.directory is not None:
            _watch_for(self._hold)

    def on_counting(self, step: int) -> None:
        """Resumes from the files of this run in the directory; releases it on errors."""
        try:
            self.resume_at(step)
        except BaseException:
            self._give_back()
            raise

    def resume_at(self, step: int) -> None:
        """Called once per `fit`, when the number of its first step is known.

        Args:
            step: number of steps done before.
        """

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Runs at the end of training."""
        super().on_train_end(logs)
        self._give_back()

    def on_interrupted(self) -> None:
        """Releases the directory."""
        super().on_interrupted()
        self._give_back()

    def _give_back(self):
        if self._hold is not None:
            _give_back(self._hold)


def _watch_for(hold):
    global _watcher
    frame = frame_of_fit()
    if frame is None:  # its methods are called manually
        return
    with _guard:
        _holds[hold] = frame, threading.get_ident()
        if _watcher is None or not _watcher.is_alive():  # as in a forked process
            _watcher = threading.Thread(target=_watch, name="mc_tf-held-directories", daemon=True)
            _watcher.start()


def _watch():
    global _watcher
    while True:
        time.sleep(_WATCH_SECONDS)
        _give_back_ended()
        with _guard:
            if not _holds:
                _watcher = None
                return


def _give_back_ended():
    """Releases the directories of each `fit` that ended without `on_train_end`."""
    with _guard:
        ended = [hold for hold, place in _holds.items() if not is_running(*place)]
    for hold in ended:
        _give_back(hold)


def _give_back(hold):
    with _guard:
        _holds.pop(hold, None)
    hold.close()
