"""The built book on a server, and what goes wrong on its pages."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support import SITE


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def served():
    """The address of the built book on a static server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def violations():
    """Return what axe finds against a page, in words; nothing if it finds nothing.

    To describe what it has no objection to would take it as long again.
    """

    def found(page):
        result = Axe().run(page, options={"resultTypes": ["violations"]})
        return result.generate_report() if result.violations_count else ""

    return found


@pytest.fixture
def faults(browser):
    """Open pages through `faults.open`; whatever goes wrong on them is in `faults.found`."""
    watched = Watched(browser)
    yield watched
    watched.close()


class Watched:
    def __init__(self, browser):
        self.browser, self.found, self.contexts = browser, [], []

    def open(self, address, width=1280, theme="light"):
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme
        )
        self.contexts.append(context)
        page = context.new_page()
        page.on("requestfailed", lambda request: self.found.append(f"failed: {request.url}"))
        page.on("pageerror", lambda error: self.found.append(f"script: {error}"))
        page.on("console", self._console)
        page.on("response", self._response)
        page.on("request", self._request)
        page.goto(address)
        page.wait_for_load_state("networkidle")  # index.html leads on to the first page
        page.wait_for_function("window.MathJax === undefined || window.MathJax.startup?.promise")
        page.evaluate("window.MathJax?.startup.promise")
        page.wait_for_load_state("networkidle")
        return page

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.found.append(f"console: {message.text} {message.location['url']}")

    def _response(self, response):
        if response.status >= 400:
            self.found.append(f"status {response.status}: {response.url}")

    def _request(self, request):
        if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            self.found.append(f"outside: {request.url}")

    def close(self):
        for context in self.contexts:
            context.close()
