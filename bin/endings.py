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
import traceback
import warnings

from absl import flags

FLAGS = flags.FLAGS
_SIGNALS = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}  # which Windows lacks
# Flags that reduce memory, in the order of the advice.
_SMALLER = (
    *("batch_size", "eval_batch_size", "num_points", "shape", "grid", "image_size"),
    *("num_train_examples", "num_bends", "network_option"),
)
# TensorFlow's errors for a file that cannot be read, and for one that cannot be decoded.
_UNREADABLE = ("DataLoss", "NotFound", "PermissionDenied", "Unavailable", "OutOfRange", "Aborted")
_UNDECODED = ("InvalidArgument", "Internal")
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
        warnings.showwarning = lambda message, *_, **__: _say(f"warning: {message}")
        try:
            try:
                yield
            except SystemExit:  # absl ends finished programs this way
                if sys.stdout is not None and not sys.stdout.closed:
                    sys.stdout.flush()  # which may fail: another line here
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
    files = [each.f_code.co_filename for each, _ in traceback.walk_stack(frame)]
    # An interrupted import may end in any error or crash, and has nothing to clean up.
    if again or any(file.startswith("<frozen importlib") for file in files):
        _stop()
    raise _Stopped


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


def _say(text):
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    bars = getattr(sys.modules.get("tqdm"), "tqdm", None)
    for bar in list(getattr(bars, "_instances", ())):  # which share the line
        bar.close()
    with contextlib.suppress(OSError):  # stderr may be closed
        line = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(text)).split())  # Keras colors some
        os.write(stderr, f"{os.path.basename(sys.argv[0])}: {line}\n".encode(errors="replace"))


def _message(error):
    """Returns the line for an error that users can fix; `None` for a bug."""
    text, kind = str(error), type(error).__name__
    reason, of_tf = _reason(text), type(error).__module__.startswith("tensorflow.")
    exhausted = "RESOURCE_EXHAUSTED" in text or of_tf and kind == "ResourceExhaustedError"
    if isinstance(error, MemoryError) or exhausted:
        given = [f"--{name}" for name in _SMALLER if name in FLAGS]
        smaller = f"Use smaller {', '.join(given[:4])}" if given else "Use less data"
        return f"out of memory: {reason or 'none is left'}. {smaller}, or more memory."
    unreadable = _UNREADABLE
    if re.search(r"[Dd]ecod|[Ii]mage|JPEG|PNG|parse example", text):
        unreadable += _UNDECODED
    if of_tf and kind.removesuffix("Error") in unreadable:
        import data_flags

        return f"the data cannot be read: {data_flags.why_unreadable(reason)}"
    if isinstance(error, BrokenPipeError):
        return (
            "nothing reads the output of this program (a closed pipe, such as `| head`). Run the "
            "same command again to resume, with its output in a file."
        )
    return (reason or kind) if isinstance(error, (ValueError, OSError)) else None


def _reason(text):
    """Shortens the text of an error: drops TensorFlow's stack, nodes and names."""
    text = re.split(r"\n\s*\[\[|\[Op:", text)[0]
    text = re.sub(r"\{\{.*?\}\}", "", text)
    noise = ("Graph execution error", "Detected at node", "File ", "<stack traces", "Stack trace")
    lines = [line.strip() for line in text.splitlines()]
    kept = " ".join(line for line in lines if line and not line.startswith(noise))
    return kept if len(kept) <= 2000 else f"{kept[:2000]} ..."
