"""Headless Chromium over its DevTools protocol: load a page, watch what it does, look at it, ask axe about it.

As a script, it takes screenshots:

    python tests/reports/browser.py report.html --dark --width 390 --height 1400 -o phone.png
"""

import argparse
import base64
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"

_PATIENCE = 300.0  # seconds for an answer: axe looks at each of some ten thousand elements

_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-default-browser-check"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync"),
    *("--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0"),
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def chromium() -> str | None:
    """The browser's command, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Tab:
    """One page.

    Attributes:
        requests: URLs that were asked for.
        complaints: errors and warnings of the console, exceptions and what the page's own policy refused.
    """

    def __init__(self, socket: Any) -> None:
        self._socket, self._count = socket, 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=_PATIENCE))
            if message.get("id") == self._count:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        values = message.get("params", {})
        if message["method"] == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(values["exceptionDetails"]))
        elif message["method"] == "Log.entryAdded":
            self.complaints.append(values["entry"]["text"])
        elif message["method"] == "Runtime.consoleAPICalled":
            self.complaints.append(str(values["args"]))

    def show(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False, scale: float = 1.0) -> None:
        """Load a file and wait until it is drawn."""
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, still])
        self.call("Page.navigate", url=path.resolve().as_uri())
        until = time.monotonic() + 30
        while self.ask("document.readyState") != "complete":
            if time.monotonic() > until:
                raise TimeoutError(path)

    def ask(self, expression: str) -> Any:
        """The value of an expression; promises are waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """One key down and up."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def axe(self, within: str = "html") -> list[dict[str, Any]]:
        """What axe-core finds wrong in an element, all details open."""
        self.ask("document.querySelectorAll('details').forEach(item => item.open = true)")
        self.ask(AXE.read_text(encoding="utf-8") + "; true")
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        options = f"{json.dumps(within)}, {{runOnly: {json.dumps(tags)}}}"
        found = self.ask(f"axe.run({options}).then(done => JSON.stringify(done.violations))")
        violations: list[dict[str, Any]] = json.loads(found)
        return violations

    def picture(self) -> bytes:
        """What is in the window, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextmanager
def browser() -> Iterator[Tab]:
    """A browser with one tab, ended by its process group."""
    from websockets.sync.client import connect

    command = chromium()
    if command is None:
        raise FileNotFoundError("no chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        flags = (*_FLAGS, f"--user-data-dir={home}", "about:blank")
        running = subprocess.Popen(
            [command, *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": home},
            start_new_session=True,
        )
        try:
            with connect(_address(Path(home), running), max_size=None, open_timeout=30) as socket:
                yield Tab(_Session(socket))
        finally:
            os.killpg(running.pid, 15)
            running.wait(timeout=30)


class _Session:
    """Messages of one tab over the browser's only socket."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        socket.send(json.dumps({"id": 0, "method": "Target.getTargets"}))
        tabs = self._answer()["targetInfos"]
        target = next(item["targetId"] for item in tabs if item["type"] == "page")
        attach = {"targetId": target, "flatten": True}
        socket.send(json.dumps({"id": 0, "method": "Target.attachToTarget", "params": attach}))
        self._session = self._answer()["sessionId"]

    def _answer(self) -> dict[str, Any]:
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            if message.get("id") == 0:
                result: dict[str, Any] = message["result"]
                return result

    def send(self, text: str) -> None:
        self._socket.send(json.dumps({**json.loads(text), "sessionId": self._session}))

    def recv(self, timeout: float) -> str:
        while True:
            text: str = self._socket.recv(timeout=timeout)
            if json.loads(text).get("sessionId") == self._session:
                return text


def _address(home: Path, running: "subprocess.Popen[bytes]") -> str:
    """Where the browser listens, from the file it writes when it does."""
    until = time.monotonic() + 60
    port_file = home / "DevToolsActivePort"
    while time.monotonic() < until and running.poll() is None:
        if port_file.exists() and len(lines := port_file.read_text().splitlines()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise TimeoutError(f"chromium did not start: exit code {running.poll()}")


def main() -> None:
    """Take one screenshot."""
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--at", default="", help="selector of an element to scroll to")
    wanted = parser.parse_args()
    with browser() as tab:
        tab.show(wanted.page, width=wanted.width, height=wanted.height, dark=wanted.dark, scale=wanted.scale)
        if wanted.at:
            tab.ask(f"document.querySelector({json.dumps(wanted.at)}).scrollIntoView()")
        shown = Image.open(io.BytesIO(tab.picture())).convert("RGB").quantize(128, dither=Image.Dither.NONE)
        shown.save(wanted.output, optimize=True)


if __name__ == "__main__":
    main()
