"""The secret with which a site marks its patients in parts: without it nobody can try identifiers against the marks."""

import hmac
import os
import secrets
import shlex
import stat
from pathlib import Path

from shiftscope.errors import ProfileError
from shiftscope.files import open_file, write_text

__all__ = ["KEY_FILE", "Key"]

KEY_FILE = "shiftscope.key"
"""Beside the parts, unless `--key` says where."""

_BYTES = 32


class Key:
    """A secret of 32 bytes, shared by the parts of one site."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def at(cls, path: Path) -> "Key":
        """The key in a file; where there is none, a new one, readable for its owner alone.

        Raises:
            ProfileError: the file is no key, or others may read it.
        """
        if path.name.endswith(".json") or path.is_dir():
            raise ProfileError(f"{path}: expected a file for the key, such as {KEY_FILE}")
        if not path.exists():
            _make(path)
        try:
            if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise ProfileError(
                    f"{path}: others may read this key; take their rights away with: chmod 600 {shlex.quote(str(path))}"
                )
            with open_file(path) as file:
                text = file.read(4 * _BYTES).decode("ascii").strip()
            return cls(bytes.fromhex(text if len(text) == 2 * _BYTES else "no key"))
        except OSError as problem:
            raise ProfileError(f"{path}: cannot be read: {problem.strerror}") from None
        except ValueError:
            raise ProfileError(
                f"{path}: expected a key of {2 * _BYTES} hexadecimal digits; choose a file that is not there yet, and a"
                " key is made"
            ) from None

    @property
    def name(self) -> str:
        """Sixteen digits by which two parts are recognised as made with one key."""
        return self.mark("which key is this")[:16]

    def mark(self, identifier: str) -> str:
        """What stands for a patient: 64 hexadecimal digits (HMAC with SHA-256, RFC 2104).

        Names of files may hold bytes of another encoding, which Python keeps as halves of characters."""
        return hmac.new(self._secret, identifier.encode(errors="surrogatepass"), "sha256").hexdigest()


def _make(path: Path) -> None:
    """A new key, unless another task of the same array job makes one at the same time: then that one is everybody's."""
    made = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_text(made, secrets.token_hex(_BYTES) + "\n", private=True)
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without links: the last one to come would win, so the first is kept
        if not path.exists():
            made.replace(path)
    finally:
        made.unlink(missing_ok=True)
