"""The door itself, on the loopback, with no SuperLink behind it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.services.doors import door_server


@contextmanager
def opened(coordinator: Coordinator) -> Iterator[list[str]]:
    """Open it at the federation's address; gives the paths that whoever got to speak asked for."""
    server, asked = door_server(coordinator), []
    door = server.config.app

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await door(scope, receive, send)

    server.config.app = noting
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the door did not start"
            time.sleep(0.02)
        yield asked
    finally:
        server.should_exit = True
        thread.join()
