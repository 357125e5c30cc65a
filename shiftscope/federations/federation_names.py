"""What federations and sites are called, and where a coordinator is reached: what is safe in a path and a command."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator

from shiftscope.errors import FederationError
from shiftscope.printable_text import shown
from shiftscope.records import matching

__all__ = ["Address", "AddressText", "FolderName", "check_folder_name"]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38}[A-Za-z0-9])?"
_EXPECTED = "1 to 40 letters, digits, hyphens and underscores, the first and the last a letter or a digit"
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

FolderName = Annotated[str, matching(_NAME, _EXPECTED)]
"""The name of a federation or of a site in one: it is a folder's name too, so it has no dot and no slash."""


def check_folder_name(what: str, name: str) -> str:
    """`name`, which can be a `FolderName`.

    Args:
        what: whose name it is, for the message: "site".

    Raises:
        FederationError: it cannot.
    """
    if re.fullmatch(_NAME, name) is None:
        raise FederationError(f"{what} {shown(name)}: expected {_EXPECTED}")
    return name


@dataclass(frozen=True, slots=True)
class Address:
    """Where the coordinator is reached.

    Attributes:
        host: a name of the DNS, or an IPv4 or IPv6 address.
        port: from 1 to 65,534, so that there is a next one for the SuperLink behind the door.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From HOST:PORT, or [HOST]:PORT for IPv6.

        Raises:
            ValueError: it is something else.
        """
        host, _, port = text.rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if not re.fullmatch(r"[1-9]\d{0,4}", port) or int(port) > 65534:
            raise ValueError("expected HOST:PORT with a port from 1 to 65534, such as fl.example.org:9400")
        try:
            bracketed = ip_address(bare).version == 6
            fits = bracketed == (bare != host)
        except ValueError:
            named = len(bare) <= 253 and all(map(_LABEL.fullmatch, bare.split(".")))
            fits = named and bare == host and re.fullmatch(r"[\d.]+", bare) is None
        if not fits:
            raise ValueError("expected HOST:PORT, the host a name, an IPv4 address, or an IPv6 address in brackets")
        return cls(bare, int(port))

    @property
    def is_number(self) -> bool:
        """Whether the host is an IP address, and no name that must be looked up."""
        return ":" in self.host or re.fullmatch(r"[\d.]+", self.host) is not None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _check_address(text: str) -> str:
    return str(Address.parse(text))


AddressText = Annotated[str, AfterValidator(_check_address)]
"""An `Address` as text."""
