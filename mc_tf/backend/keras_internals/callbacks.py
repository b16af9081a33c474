"""The `fit` that calls a callback: its other callbacks, and whether it still runs."""

import sys

import keras

__all__ = ["append_callback", "callbacks_of_fit", "frame_of_fit", "is_running"]


def callbacks_of_fit():
    """All callbacks of the `fit` that is calling one of them right now.

    Keras gives a callback no list of the others; the call stack has it.

    Returns:
        List of `keras.callbacks.Callback`, empty outside of `fit`.
    """
    frame = _frame_of_callbacks()
    return [] if frame is None else list(frame.f_locals["self"].callbacks)


def append_callback(callback):
    """Adds a callback to the `fit` that is calling one right now, after all others.

    `fit` takes callbacks as an argument only.
    """
    frame = _frame_of_callbacks()
    if frame is not None:
        callbacks = frame.f_locals["self"].callbacks
        if callback in callbacks:
            callbacks.remove(callback)
        callbacks.append(callback)


def frame_of_fit():
    """The frame of the `fit` that is calling a callback right now, or `None`.

    Keras calls no hook of a `fit` that an error ends, so the frame has to be watched.
    """
    frame = _frame_of_callbacks()
    return frame and frame.f_back


def is_running(frame, thread):
    """Whether a frame has not returned.

    Args:
        frame: frame.
        thread: identifier of its thread.

    Returns:
        bool.
    """
    for _ in range(3):  # the stack of another thread may change while it is read
        found = sys._current_frames().get(thread)
        while found is not None and found is not frame:
            found = found.f_back
        if found is frame:
            return True
    return False


def _frame_of_callbacks():
    frame = sys._getframe(1)
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), keras.callbacks.CallbackList):
            return frame
        frame = frame.f_back
    return None
