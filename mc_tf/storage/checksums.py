"""Checksums in files, which detect damage before the contents are used.

The last bytes of a file contain the SHA-256 of all bytes before them: in an archive (`.npz`,
`.keras`) as its comment, after the end of an HDF5 file (`.weights.h5`), in a JSON object as its
last key. Other readers ignore it. Files without a checksum, from Keras or earlier versions, are
accepted. Tables (`.csv`) have none, since readers would treat it as a row.
"""

import hashlib
import io
import os
import re
import struct

__all__ = ["DamagedFileError", "OtherKindError", "check", "read", "seal", "sealed_json"]

_BINARY = b"mc_tf-sha256:"
_JSON = b',\n  "checksum": "'
_SEAL = re.compile(
    rb'(?:mc_tf-sha256:(?P<binary>[0-9a-f]{64})|,\n  "checksum": "(?P<json>[0-9a-f]{64})"\n\}\n)\Z'
)
_LENGTH = len(_BINARY) + 64
# Remains of a damaged checksum.
_REST = re.compile(rb'mc_tf-sha|tf-sha256:|"checksum|ecksum": "|[0-9a-f]{20}|[0-9a-f]{8}\Z')
_END_OF_ARCHIVE = b"PK\x05\x06"
_END_LENGTH = 22
_CHUNK_BYTES = 1 << 20


class DamagedFileError(ValueError):
    """A file was changed after it was written, or only partially copied."""


class OtherKindError(ValueError):
    """A file is intact, but contains something else than expected."""


def seal(path):
    """Adds the checksum to a binary file that is complete.

    Args:
        path: archive without a comment (`.npz`, `.keras`), or HDF5 file.
    """
    with open(path, "rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _END_LENGTH, 0))
        end = file.read()
        if end.startswith(_END_OF_ARCHIVE) and end.endswith(b"\0\0"):
            file.seek(size - 2)
            file.write(struct.pack("<H", _LENGTH))  # length of the following comment
        file.seek(0)
        digest = _digest(file, size)
        file.seek(size)
        file.write(_BINARY + digest)


def sealed_json(content):
    """Adds the checksum to JSON.

    Args:
        content: bytes, a JSON object with entries, in the layout of `json.dumps(..., indent=2)`.

    Returns:
        bytes, ending in a line break.
    """
    content = content.removesuffix(b"\n}")
    return content + _JSON + hashlib.sha256(content).hexdigest().encode() + b'"\n}\n'


def _digest(file, size):
    digest = hashlib.sha256()
    while size:
        chunk = file.read(min(size, _CHUNK_BYTES))
        if not chunk:
            break
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest().encode()


def check(path, maker=None):
    """Rejects a file whose checksum indicates damage.

    Args:
        path: the file, of any kind.
        maker: program or function that writes such files, for messages.

    Returns:
        Whether it has a checksum.

    Raises:
        DamagedFileError: if it does not match.
        OSError: if the file cannot be read.
    """
    with open(path, "rb") as file:
        return _check(file, path, maker)


def _check(file, path, maker):
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 4 * _LENGTH, 0))
    tail = file.read()
    seal = _SEAL.search(tail)
    file.seek(0)
    if seal:
        if _digest(file, size - len(seal[0])) == (seal["binary"] or seal["json"]):
            file.seek(0)
            return True
        what = "its content does not match its checksum"
    elif _REST.search(tail):
        what = "its checksum is broken"
    else:
        return False
    if str(path).endswith(".json"):
        what += "; if it was changed on purpose, remove its last entry, the checksum"
    raise DamagedFileError(f"The file '{path}' is damaged: {what}.{_remedy(maker)}")


def read(path, parse, kind, maker=None):
    """Reads a file; any damage raises one error.

    Args:
        path: the file.
        parse: function of the opened binary file that returns its content.
        kind: kind of file, for messages, such as `"a snapshot"`.
        maker: program or function that writes such files, for messages.

    Returns:
        The result of `parse`.

    Raises:
        DamagedFileError: if it is damaged, or cannot be parsed.
        OtherKindError: if it is intact, but something else.
        OSError: if the file cannot be read.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        content = file.read()
    sealed = _check(io.BytesIO(content), path, maker)
    try:
        return parse(io.BytesIO(content))
    except DamagedFileError:
        raise
    except OtherKindError as error:
        if sealed:
            raise
        raise DamagedFileError(f"{error} It has no checksum, so it may be damaged.") from error
    except Exception as error:  # zip, numpy and json raise different errors
        if sealed and isinstance(error, MemoryError):
            raise
        if sealed:
            raise OtherKindError(f"The file '{path}' is whole, but it is not {kind}.") from error
        raise DamagedFileError(
            f"The file '{path}' is damaged or is not {kind} ({type(error).__name__}, "
            f"{len(content)} bytes).{_remedy(maker)}"
        ) from error


def _remedy(maker):
    return f" Move it away and make it again: {maker}." if maker else ""
