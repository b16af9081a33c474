"""The `fit` that calls a callback: other callbacks, and whether it is running."""

import sys

import keras

__all__ = ["append_callback", "callbacks_of_fit", "frame_of_fit", "is_running"]


def callbacks_of_fit():
    """Returns all callbacks of the `fit` that is currently calling one of them.

    Keras gives a callback no list of the others; the call stack has it.

    Returns:
        List of `keras.callbacks.Callback`, empty outside of `fit`.
    """
    frame = _frame_of_callbacks()
    return [] if frame is None else list(frame.f_locals["self"].callbacks)


def append_callback(callback):
    """Appends a callback to the `fit` that is currently calling one.

    `fit` takes callbacks as an argument only.
    """
    frame = _frame_of_callbacks()
    if frame is not None:
        callbacks = frame.f_locals["self"].callbacks
        if callback in callbacks:
            callbacks.remove(callback)
        callbacks.append(callback)


def frame_of_fit():
    """Returns the frame of the `fit` that is currently calling a callback, or `None`.

    Keras calls no callback method when an error ends `fit`, so the frame must be watched.
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
        caller = sys._current_frames().get(thread)
        while caller is not None and caller is not frame:
            caller = caller.f_back
        if caller is frame:
            return True
    return False


def _frame_of_callbacks():
    frame = sys._getframe(1)
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), keras.callbacks.CallbackList):
            return frame
        frame = frame.f_back
    return None
