"""An HTTP client that does no more than ask the coordinator, whatever that answers."""

from collections.abc import Iterator

import httpx

__all__ = ["MOST_BYTES", "guard"]

MOST_BYTES = 64 * 2**20
"""Of one answer; Flower sends arrays in pieces of 5 MiB, and the door takes as much of one request."""


def guard(client: httpx.Client) -> None:
    """Have a client follow no redirection, which could lead into the site's own network, and read no endless answer.

    An answer that is too large, or compressed, which could hide that it is, raises `ValueError` when it is read.
    """
    client.follow_redirects = False
    client.headers["accept-encoding"] = "identity"
    client.event_hooks = {"response": [_limit]}


def _limit(response: httpx.Response) -> None:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ValueError("the coordinator's answer is compressed, which nobody asked for")
    response.stream = _Limited(response.stream)


class _Limited(httpx.SyncByteStream):
    """The bytes of another stream, as long as they are not too many."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        if not isinstance(stream, httpx.SyncByteStream):
            raise TypeError("expected the stream of a client that waits")
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        total = 0
        for part in self._stream:
            total += len(part)
            if total > MOST_BYTES:
                raise ValueError(f"the coordinator's answer takes more than {MOST_BYTES} bytes")
            yield part

    def close(self) -> None:
        self._stream.close()
