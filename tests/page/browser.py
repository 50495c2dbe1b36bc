# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium driven through its debugging pipe, with real key and pointer events."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

KEYS = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36}


def find_chromium():
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    def __init__(self, width=1280, height=900, dark=False):
        self.home = tempfile.mkdtemp()
        to_browser, self.out = os.pipe()
        self.inn, from_browser = os.pipe()

        def place():
            os.dup2(to_browser, 13)  # away from 3 and 4 first
            os.dup2(from_browser, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self.process = subprocess.Popen(
            [find_chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--hide-scrollbars",
             f"--user-data-dir={self.home}", "about:blank"],
            preexec_fn=place, close_fds=False, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.next, self.held, self.session, self.events = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")
        self.look(width, height, dark)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.inn)
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, **values):
        self.next += 1
        message = {"id": self.next, "method": method, "params": values}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self.read()
            if answer.get("id") == self.next:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def read(self):
        while b"\0" not in self.held:
            piece = os.read(self.inn, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self.held += piece
        line, self.held = self.held.split(b"\0", 1)
        return json.loads(line)

    def look(self, width, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, path, seconds=60):
        """Opens a page and waits until its script is ready; gives the milliseconds it says it took."""
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        return self.wait("document.getElementById('app')?.dataset.ready", seconds)

    def wait(self, expression, seconds=20):
        end = time.time() + seconds
        while time.time() < end:
            value = self.run(expression)
            if value:
                return value
            time.sleep(0.05)
        raise RuntimeError(f"not in {seconds} s: {expression}")

    def run(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def press(self, key, times=1):
        for _ in range(times):
            values = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            text = {"text": "\r"} if key == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", **values, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", **values)

    def write(self, text):
        for letter in text:
            self.call("Input.dispatchKeyEvent", type="char", text=letter)

    def click(self, x, y):
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def click_on(self, selector, dx=None, dy=None):
        """Clicks the middle of an element, or a place in it."""
        box = self.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
                       "e.scrollIntoView({block: 'center', behavior: 'instant'}); let b = e.getBoundingClientRect();"
                       f"scrollBy(0, b.top + ({'b.height / 2' if dy is None else dy}) - innerHeight / 2);"
                       "b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
        self.click(box[0] + (box[2] / 2 if dx is None else dx), box[1] + (box[3] / 2 if dy is None else dy))

    def picture(self, path, whole=True):
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(image["data"]))

    def printed(self):
        return base64.b64decode(self.call("Page.printToPDF")["data"])

    def complaints(self):
        """What the console said, and every request but those for files and data."""
        self.run("0")
        found = []
        for event in self.events:
            method, values = event.get("method"), event.get("params", {})
            if method == "Network.requestWillBeSent" and not values["request"]["url"].startswith(("file:", "about:")):
                found.append("request " + values["request"]["url"][:200])
            if method == "Runtime.exceptionThrown":
                found.append("exception " + json.dumps(values)[:500])
            if method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning"):
                found.append("console " + json.dumps(values)[:500])
            if method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
                found.append("log " + json.dumps(values["entry"])[:500])
        return found
