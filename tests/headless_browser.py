"""A headless browser that tests ask about a page, through the pipe that its debugger offers."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager

# Commands of the browser, by distribution; none where there is no browser.
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One page in the browser, and all that it said since it was opened."""

    def __init__(self, to_browser, from_browser):
        self._out, self._in, self._number, self._rest = to_browser, from_browser, 0, b""
        self.messages, self._session = [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **parameters):
        """Send a command and wait for its answer; what comes before it is kept in `messages`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self._number:
                assert "error" not in found, found
                return found["result"]

    def _next(self):
        while b"\0" not in self._rest:
            more = os.read(self._in, 2**16)
            assert more, "the browser has gone"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        found = json.loads(text)
        if "method" in found:
            self.messages.append(found)
        return found

    def open(self, address, width, scheme):
        """Open an address in a window of this width, in the light or the dark scheme, and wait until all is there."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.messages.clear()
        self.ask("Page.navigate", url=address)
        while not any(each["method"] == "Page.loadEventFired" for each in self.messages):
            self._next()

    def value(self, expression):
        """Evaluate an expression in the page."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def picture(self, box):
        """What is shown in a box of the page, given as JSON, as PNG."""
        clip = {name: value for name, value in json.loads(box).items() if name in ("x", "y", "width", "height")}
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=True, format="png", clip=clip | {"scale": 1})
        return base64.b64decode(found["data"])

    @property
    def said(self):
        """Messages of the console, and addresses that were asked for."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [each["params"] for each in self.messages if each["method"] in kinds]

    @property
    def asked_for(self):
        """Addresses that were asked for, the page's own the first; its own pictures are part of it."""
        asked = (each for each in self.messages if each["method"] == "Network.requestWillBeSent")
        addresses = [each["params"]["request"]["url"] for each in asked]
        return [address for address in addresses if not address.startswith("data:")]


@contextmanager
def browser():
    """Start the browser with one page, and end it."""
    to_browser, from_us = os.pipe()[::-1], os.pipe()
    (write_commands, read_commands), (read_answers, write_answers) = to_browser, from_us
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = [
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
            *("--remote-debugging-pipe", f"--user-data-dir={profile}", "--hide-scrollbars"),
        ]
        # The browser reads commands from descriptor 3 and answers on 4.
        shell = f'exec 3<&{read_commands} 4>&{write_answers}; exec "$@"'
        process = subprocess.Popen(
            ["bash", "-c", shell, "bash", BROWSER, *flags],
            pass_fds=(read_commands, write_answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        try:
            yield Page(write_commands, read_answers)
        finally:
            os.close(write_commands)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(read_answers)
