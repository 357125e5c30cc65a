"""The door of a federation, which also writes down all that sites send, as it is once TLS is off.

python recording_door.py NAME FILE
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from shiftscope.api.federating.coordinating import open_door
from shiftscope.federations.services import doors


class RecordingDoor(doors.Door):
    """Passes everything on as the door does."""

    file = Path(sys.argv[2])

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        async def heard() -> MutableMapping[str, Any]:
            message = await receive()
            with self.file.open("ab") as record:
                record.write(message.get("body", b""))
            return message

        await super().__call__(scope, heard, send)


if __name__ == "__main__":
    doors.Door = RecordingDoor  # type: ignore[misc]  # the same door, with a listener
    open_door(sys.argv[1])
