"""A headless Chromium of this machine, driven by its DevTools protocol over a pipe: pages as people open them."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu",
    "--disable-extensions", "--disable-background-networking", "--disable-sync", "--hide-scrollbars",
    "--font-render-hinting=none", "--disable-dev-shm-usage", "--mute-audio",
)  # fmt: skip

# DevTools read commands from descriptor 3 and write to descriptor 4. The pipes may lie on either of them already.
PLACED = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, place in zip(ends, (3, 4)):
    os.dup2(end, place)
    os.close(end)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium():
    """The program, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Failed(Exception):
    """Chromium answered with an error, or is gone."""


class Browser:
    """Commands go to the browser, or to the page of a session."""

    def __init__(self, sink, source):
        self._sink, self._source, self._numbers = sink, source, itertools.count(1)
        self.events = []

    def ask(self, method, session=None, **params):
        """A command's result; what is told meanwhile is kept in `events`."""
        number = next(self._numbers)
        asked = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        self._sink.write(json.dumps(asked).encode() + b"\0")
        self._sink.flush()
        while True:
            told = self.read()
            if told.get("id") == number:
                if "error" in told:
                    raise Failed(f"{method}: {told['error']['message']}")
                return told["result"]

    def read(self):
        """The next message."""
        found = bytearray()
        while (byte := self._source.read(1)) != b"\0":
            if not byte:
                raise Failed("Chromium is gone")
            found += byte
            rest = self._source.peek()
            end = rest.find(b"\0")
            found += self._source.read(len(rest) if end < 0 else end)
        told = json.loads(found)
        if "method" in told:
            self.events.append(told)
        return told

    def wait(self, accept):
        """The first event, from now or before, that `accept` takes."""
        at = 0
        while True:
            while at < len(self.events):
                if accept(self.events[at]):
                    return self.events[at]
                at += 1
            self.read()


class Page:
    """One tab."""

    def __init__(self, browser, **size):
        self.browser = browser
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.target = target
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.resize(**size)

    def ask(self, method, **params):
        """A command to this page."""
        return self.browser.ask(method, self.session, **params)

    def resize(self, width=1280, height=900, dots=1, mobile=False):
        """The size of the window in CSS pixels."""
        screen = {"width": width, "height": height, "deviceScaleFactor": dots, "mobile": mobile}
        self.ask("Emulation.setDeviceMetricsOverride", **screen)

    def prefer(self, **features):
        """Media features, such as prefers_color_scheme="dark"."""
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.ask("Emulation.setEmulatedMedia", features=listed)

    def open(self, path):
        """A file, until it says that it is ready; the milliseconds that took since the navigation began."""
        at = len(self.browser.events)
        self.ask("Page.navigate", url=Path(path).resolve().as_uri())
        self.browser.wait(lambda event: event["method"] == "Page.loadEventFired" and event in self.browser.events[at:])
        return self.run("""new Promise((done) => {
          const root = document.documentElement;
          const look = () => root.dataset.ready ? done(Number(root.dataset.ready)) : requestAnimationFrame(look);
          look();
        })""")

    def run(self, expression):
        """The value of an expression, awaited."""
        found = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            told = found["exceptionDetails"]
            raise Failed(told.get("exception", {}).get("description") or told["text"])
        return found["result"].get("value")

    def press(self, *keys):
        """Keys by their names of the DOM."""
        codes = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
                 "Home": 36, "Tab": 9, " ": 32}  # fmt: skip
        for key in keys:
            about = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
            text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
            self.ask("Input.dispatchKeyEvent", type="keyDown", **about, **text)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def click(self, x, y):
        """The mouse's left button at a place of the window."""
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path, whole=False):
        """A PNG of the window, or of the whole page."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(shot["data"]))

    def printed(self, path):
        """The page as PDF."""
        made = self.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        Path(path).write_bytes(base64.b64decode(made["data"]))

    def complaints(self):
        """Errors and warnings of the console, exceptions, and violations of the page's policy."""
        found = []
        for event in self.browser.events:
            about = event["params"]
            match event["method"]:
                case "Runtime.exceptionThrown":
                    found.append(about["exceptionDetails"].get("exception", {}).get("description", "exception"))
                case "Runtime.consoleAPICalled" if about["type"] in ("error", "warning", "assert"):
                    found.append(str(about["args"]))
                case "Log.entryAdded" if about["entry"]["level"] in ("error", "warning"):
                    found.append(about["entry"]["text"])
        return found

    def requests(self):
        """Addresses that were asked for, but for the page itself and data: in it."""
        sent = [event["params"] for event in self.browser.events if event["method"] == "Network.requestWillBeSent"]
        asked = [about["request"]["url"] for about in sent if about["type"] != "Document"]
        return [url for url in asked if not url.startswith(("data:", "blob:"))]


@contextmanager
def chromium():
    """A running browser; root needs --no-sandbox."""
    program = find_chromium()
    if program is None:
        raise FileNotFoundError("no chromium")
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    to_browser, from_browser = os.pipe(), os.pipe()

    with tempfile.TemporaryDirectory(prefix="slimml-chromium-", ignore_cleanup_errors=True) as profile:
        ends = (str(to_browser[0]), str(from_browser[1]))
        process = subprocess.Popen(
            [sys.executable, "-c", PLACED, *ends, program, *flags, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_browser[0], from_browser[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        with os.fdopen(to_browser[1], "wb") as sink, os.fdopen(from_browser[0], "rb") as source:
            try:
                yield Browser(sink, source)
            finally:
                process.terminate()
                process.wait(timeout=30)
