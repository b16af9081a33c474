"""How programs end: with one line, except for bugs.

Errors that users can fix end with one line on stderr: bad input and files (`ValueError`,
`OSError`), memory, unreadable data. Ctrl-C and SIGTERM also end with one line, which says how to
resume. Every other exception is a bug in the library or in user layers and keeps its traceback.
"""

import contextlib
import os
import re
import signal
import sys
import warnings

from absl import flags

FLAGS = flags.FLAGS
_SIGNALS = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}  # which Windows lacks
# Flags that reduce memory, in the order of the advice.
_SMALLER = (
    *("batch_size", "eval_batch_size", "num_points", "shape", "grid", "image_size"),
    *("num_train_examples", "num_bends", "network_option"),
)
stderr = 2  # the file descriptor of the screen
_received = None  # the number of the signal that ended this program


class _Stopped(KeyboardInterrupt):
    """Raised by signals; not caught by `except Exception`."""


def fail(message):
    """Ends the program with a message, printed as one line."""
    _say(f"error: {message}")
    _leave(1)


@contextlib.contextmanager
def one_line():
    """Ends the program with one line for errors that users can fix; warnings take one line each."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            try:
                yield
            except SystemExit:  # absl ends finished programs this way
                _flush()
                raise
        except BaseException as error:
            if _received is not None:  # whatever error it caused
                _stop()
            if isinstance(error, KeyboardInterrupt):
                _stop(signal.SIGINT)
            message = _message(error)
            if message is None:
                raise
            fail(message)
        finally:
            catch_signals(lambda *_: None)  # the work is complete


def catch_signals(handler=None):
    """Makes Ctrl-C, SIGTERM (from Slurm or `kill`) and SIGHUP end the program cleanly.

    By default they raise `KeyboardInterrupt`: partial files are removed and locks are released.
    """
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        # `nohup` ignores SIGHUP and a shell Ctrl-C in the background: they stay ignored.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler or _on_signal)


def _on_signal(number, frame):
    global _received
    again, _received = _received is not None, number
    # An interrupted import may end in any error or crash, and has nothing to clean up.
    if again or _is_importing(frame):
        _stop()
    raise _Stopped


def _is_importing(frame):
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _stop(number=None):
    number = _received or number
    how = _SIGNALS[signal.Signals(number).name]
    _say(f"stopped by {how}. Saved files are complete: run the same command again to resume.")
    _leave(128 + number)


def _leave(status):
    """Exits immediately, so that exit handlers and threads print nothing more."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)


def _flush():
    """Flushes output; failures become one line here."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _say(text):
    bars = getattr(sys.modules.get("tqdm"), "tqdm", None)
    for bar in list(getattr(bars, "_instances", ())):  # which share the line
        bar.close()
    with contextlib.suppress(OSError):  # stderr may be closed
        line = " ".join(str(text).split())
        os.write(stderr, f"{os.path.basename(sys.argv[0])}: {line}\n".encode(errors="replace"))


def _show_warning(message, category, filename, lineno, file=None, line=None):
    sys.stderr.flush()
    _say(f"warning: {message}")


def _message(error):
    """Returns the line for an error that users can fix; `None` for a bug."""
    tf_errors = getattr(sys.modules.get("tensorflow"), "errors", None)
    of_tf = tf_errors is not None and isinstance(error, tf_errors.OpError)
    reason = _reason(str(error))
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return _out_of_memory(reason)
    if of_tf and isinstance(error, tf_errors.ResourceExhaustedError):
        return _out_of_memory(reason)
    if of_tf and _is_of_data(error, tf_errors):
        import data_flags

        return f"the data cannot be read: {data_flags.why_unreadable(reason)}"
    if isinstance(error, BrokenPipeError):
        return (
            "nothing reads the output of this program (a closed pipe, such as `| head`). Run the "
            "same command again to resume, with its output in a file."
        )
    if isinstance(error, (ValueError, OSError)):
        return reason or type(error).__name__
    return None


def _out_of_memory(reason):
    given = [f"--{name}" for name in _SMALLER if name in FLAGS]
    smaller = f"Use smaller {', '.join(given[:4])}" if given else "Use less data"
    return f"out of memory: {reason or 'none is left'}. {smaller}, or more memory."


def _is_of_data(error, tf_errors):
    """Whether TensorFlow could not read or decode a file."""
    if isinstance(error, (tf_errors.InvalidArgumentError, tf_errors.InternalError)):
        return bool(re.search(r"[Dd]ecod|[Ii]mage|JPEG|PNG|parse example", str(error)))
    kinds = ("DataLoss", "NotFound", "PermissionDenied", "Unavailable", "OutOfRange", "Aborted")
    return isinstance(error, tuple(getattr(tf_errors, f"{kind}Error") for kind in kinds))


def _reason(text):
    """Shortens the text of an error: drops TensorFlow's stack, nodes and names."""
    text = re.split(r"\n\s*\[\[|\[Op:", text)[0]
    text = re.sub(r"\{\{.*?\}\}", "", text)
    noise = ("Graph execution error", "Detected at node", "File ", "<stack traces", "Stack trace")
    lines = [line.strip() for line in text.splitlines()]
    kept = " ".join(line for line in lines if line and not line.startswith(noise))
    return kept if len(kept) <= 2000 else f"{kept[:2000]} ..."
