"""The signed order in the app that a SuperLink sends. Nothing else of it is read, and nothing is imported or run."""

import base64
from io import BytesIO
from zipfile import ZipFile

from shiftscope.errors import FederationError
from shiftscope.parsing import parse_toml

__all__ = ["order_in"]

_MOST_APP, _MOST_SETTINGS = 16_000_000, 4_000_000
"""In bytes, packed and of the settings alone; an order of the largest size takes 1.4 million in base64."""


def order_in(app: bytes) -> bytes:
    """What stands under `order` in the app's configuration; empty where there is nothing that could be one.

    Whoever holds the SuperLink can send anything, a file that unpacks without end for one: no more is unpacked than
    settings with an order take, and whatever goes wrong there is no order.
    """
    if len(app) > _MOST_APP:
        return b""
    try:
        with ZipFile(BytesIO(app)) as archive, archive.open("pyproject.toml") as file:
            text = file.read(_MOST_SETTINGS + 1)
        if len(text) > _MOST_SETTINGS:
            return b""
        settings = parse_toml(text.decode(), "the app", "settings of an app", FederationError)
        return base64.b64decode(str(settings["tool"]["flwr"]["app"]["config"]["order"]), validate=True)
    except Exception:  # noqa: BLE001 - archives and their parsers raise what they like
        return b""
