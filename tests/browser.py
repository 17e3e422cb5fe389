"""Drives chromium by its own debugging protocol: open a page, run a script in it, choose a file, press a key."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import websocket

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """A chromium without a window, with one page.

    Args:
        address: of the page.
        width: of the window, in CSS pixels.
    """

    def __init__(self, address: str, width: int = 1200) -> None:
        assert CHROMIUM is not None
        self._profile = tempfile.mkdtemp()
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--mute-audio"]
        words += ["--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"]
        words += [f"--user-data-dir={self._profile}", "--remote-allow-origins=*", "about:blank"]
        silent: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen([CHROMIUM, *words], **silent)
        try:
            port = Path(self._profile, "DevToolsActivePort")
            wait(lambda: port.is_file() and port.read_text().count("\n"), 60)
            listed = urllib.request.urlopen(f"http://127.0.0.1:{port.read_text().split()[0]}/json/list")
            page = next(each for each in json.load(listed) if each["type"] == "page")
            listed.close()
            self._socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=60)
            self._number = 0
            for domain in ("Page", "Runtime", "DOM"):
                self.send(f"{domain}.enable")
            self.resize(width)
            self.send("Page.navigate", url=address)
            wait(lambda: self.run("document.readyState === 'complete' && location.href !== 'about:blank'"))
        except BaseException:
            self.close()
            raise

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One order, and what came of it."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv())).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def run(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, once it has one."""
        done = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def choose(self, selector: str, path: Path) -> None:
        """Choose a file in an <input>."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        code = {"Tab": 9, "Enter": 13}.get(key, ord(key[0].upper()))
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if len(key) == 1 and kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def resize(self, width: int) -> None:
        """Make the window as wide as a phone, for instance."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )

    def close(self) -> None:
        """End it."""
        if hasattr(self, "_socket"):
            self._socket.close()
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._profile, ignore_errors=True)


def wait(is_so: Callable[[], Any], seconds: float = 30) -> None:
    """Until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not so in {seconds} seconds"
        time.sleep(0.02)
