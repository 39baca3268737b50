"""Drives Debian's Chromium, headless, over a pipe: no port, no driver program, no third-party module.

What goes over the pipe is the Chrome DevTools protocol, JSON messages that end with a zero byte.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0
"""Seconds for one answer: a loaded machine is no failure."""
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)
KEYS = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9}


class NoBrowser(Exception):
    """Chromium is not there or does not start."""


def program() -> str | None:
    """The browser of this machine, None where there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """A running browser; `open` gives a page of it."""

    def __init__(self, process: subprocess.Popen[bytes], sending: int, receiving: int) -> None:
        self._process, self._sending, self._receiving = process, sending, receiving
        self._waiting = b""
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self._ready = selectors.DefaultSelector()
        self._ready.register(receiving, selectors.EVENT_READ)

    def call(self, method: str, session: str = "", **parameters: Any) -> Any:
        """One command and its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._sending, data) :]
        number, until = self._number, time.monotonic() + PATIENCE
        while number not in self._answers:
            self._read(until, method)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait(self, method: str, session: str) -> dict[str, Any]:
        """The next event of a kind, one that came already included."""
        until = time.monotonic() + PATIENCE
        while True:
            for event in self.events:
                if event["method"] == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return event
            self._read(until, method)

    def _read(self, until: float, what: str) -> None:
        if not self._ready.select(max(until - time.monotonic(), 0)):
            raise TimeoutError(f"the browser does not answer: {what}")
        data = os.read(self._receiving, 1 << 20)
        if not data:
            raise NoBrowser(f"the browser ended with {self._process.wait()}")
        *messages, self._waiting = (self._waiting + data).split(b"\0")
        for text in messages:
            message = json.loads(text)
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self.events.append(message)

    def open(self, place: Path, *, width: int = 1280, height: int = 800) -> Page:
        """A page with a file, once it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        page.size(width, height)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        page.call("Page.navigate", url=place.absolute().as_uri())
        self.wait("Page.loadEventFired", session)
        return page


class Page:
    """One page: what a person does with it, and what is to be seen."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session

    def call(self, method: str, **parameters: Any) -> Any:
        return self.browser.call(method, self.session, **parameters)

    def run(self, script: str) -> Any:
        """The value of an expression, awaited where it is a promise."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise AssertionError(f"never: {condition}")
            time.sleep(0.02)

    def size(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, kind: str = "", **features: str) -> None:
        """Emulate a medium (`print`) and features (`prefers_color_scheme="dark"`)."""
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=kind, features=told)

    def press(self, *keys: str) -> None:
        """Press keys by name (`Enter`) or by letter."""
        for key in keys:
            told: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": KEYS.get(key, ord(key[0].upper()))}
            if len(key) == 1:
                told["text"] = key
            elif key == "Enter":
                told["text"] = "\r"
            self.call("Input.dispatchKeyEvent", type="keyDown", **told)
            told.pop("text", None)
            self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def place(self, selector: str) -> tuple[float, float]:
        """The middle of an element, once the page has drawn what was done before."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found = self.run(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        return float(found[0]), float(found[1])

    def click(self, selector: str) -> None:
        self.click_at(*self.place(selector))

    def click_at(self, x: float, y: float) -> None:
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)

    def drag(self, start: tuple[float, float], to: tuple[float, float], steps: int = 8) -> None:
        self.mouse("mousePressed", *start, button="left", clickCount=1)
        for step in range(1, steps + 1):
            x = start[0] + (to[0] - start[0]) * step / steps
            y = start[1] + (to[1] - start[1]) * step / steps
            self.mouse("mouseMoved", x, y, button="left", buttons=1)
        self.mouse("mouseReleased", *to, button="left", clickCount=1)

    def wheel(self, x: float, y: float, amount: float) -> None:
        self.mouse("mouseWheel", x, y, deltaX=0, deltaY=amount)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def screenshot(self, place: Path) -> None:
        place.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    @property
    def complaints(self) -> list[str]:
        """Exceptions, errors of the console, and what the security policy stopped."""
        found = []
        for event in self.browser.events:
            parameters = event["params"]
            match event["method"]:
                case "Runtime.exceptionThrown":
                    found.append(json.dumps(parameters["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                    found.append(json.dumps(parameters["args"]))
                case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                    found.append(parameters["entry"]["text"])
        return found

    @property
    def requests(self) -> list[str]:
        """Every address that was asked for, the page itself included."""
        asked = [event for event in self.browser.events if event["method"] == "Network.requestWillBeSent"]
        return [str(event["params"]["request"]["url"]) for event in asked]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Starts a browser with a profile of its own, and ends it. Raises NoBrowser where it cannot start."""
    found = program()
    if found is None:
        raise NoBrowser("there is no Chromium: run `make browser`")
    to_browser, from_browser = os.pipe(), os.pipe()

    def number_pipes() -> None:
        """The browser reads from 3 and writes to 4."""
        reading, writing = (
            fcntl.fcntl(to_browser[0], fcntl.F_DUPFD, 10),
            fcntl.fcntl(from_browser[1], fcntl.F_DUPFD, 10),
        )
        os.dup2(reading, 3)
        os.dup2(writing, 4)

    with tempfile.TemporaryDirectory(prefix="planner-browser-", ignore_cleanup_errors=True) as profile:
        flags = [*FLAGS, f"--user-data-dir={profile}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        process = subprocess.Popen(
            [found, *flags, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=number_pipes,
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        browser = Browser(process, to_browser[1], from_browser[0])
        try:
            browser.call("Browser.getVersion")
            yield browser
        finally:
            with suppress(OSError, RuntimeError, TimeoutError, NoBrowser):
                browser.call("Browser.close")
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(to_browser[1])
            os.close(from_browser[0])
