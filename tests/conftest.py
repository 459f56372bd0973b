"""The user's environment changes no test, and no test changes the repository.

A full run of the suite fails unless every test that the book's ledger names has passed. A run is
full if it takes the folders of pyproject.toml and leaves nothing out of them; a run of single
files, or with an option that selects tests, is left alone.
"""

import os
import shutil
import signal
from functools import cache

import hypothesis
import pytest

from book._ext.surroundings import settle
from tests.support import ROOT, files

# A property that takes long on a busy machine is no less true.
hypothesis.settings.register_profile("without a clock", deadline=None)
hypothesis.settings.load_profile("without a clock")

SELECTING = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")

#: Chromium reaches the loopback and nothing else.
OFFLINE = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

#: How long a browser may take for anything, in ms. A page that is slow on a busy machine is no
#: less right, so only what never comes is a fault.
PATIENCE = 180_000


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium: one for all tests of a process, which can have only one Playwright."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        raise FileNotFoundError("the browser tests need Chromium on the path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium, args=OFFLINE)
        chromium.on("context", lambda context: context.set_default_timeout(PATIENCE))
        yield chromium


def pytest_configure(config):
    try:
        settle(os.environ, ROOT)
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from None
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job
        signal.signal(signal.SIGINT, signal.default_int_handler)  # some tests press Ctrl-C
    if hasattr(config, "workerinput"):  # a worker: the main process collects its reports
        return
    config.pluginmanager.register(NothingLeft(), "nothing-left")
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    selected = any(config.getoption(name, None) for name in (*SELECTING, "collectonly"))
    if everything and not selected:
        config.pluginmanager.register(LedgerChecks(), "ledger-checks")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a module on one processor if they share what the module has built.

    For ``--dist loadgroup``: this xdist writes its marks where this pytest does not read them.
    """
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            module = nodeid.split("::")[0]
            return module if builds(config.rootpath / module) else nodeid

    return ByModule(config, log)


@cache
def builds(path):
    """Return whether a module has a fixture that all its tests share."""
    return 'scope="module"' in path.read_text("utf8")


class NothingLeft:
    """Fails the session if a file or folder appears in the repository, or disappears."""

    def __init__(self):
        self.before, self.left, self.taken = files(ROOT), [], []

    def pytest_sessionfinish(self, session, exitstatus):
        after = files(ROOT)
        self.left, self.taken = sorted(after - self.before), sorted(self.before - after)
        if (self.left or self.taken) and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for what, names in (("left in", self.left), ("gone from", self.taken)):
            if names:
                terminalreporter.section(f"{what} the repository while the tests ran")
                for name in names:
                    terminalreporter.line(name)


class LedgerChecks:
    """Notes which tests have passed, and fails the session if the ledger names any others."""

    def __init__(self):
        self.passed, self.others, self.missing = set(), set(), []

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("[")[0]  # all cases of a test have to pass
        if report.outcome != "passed" or hasattr(report, "wasxfail"):
            self.others.add(name)
        elif report.when == "call":
            self.passed.add(name)

    def pytest_sessionfinish(self, session, exitstatus):
        from book._ext import ledger

        named = {test for tests in ledger.marked_tests(ROOT).values() for test in tests}
        self.missing = sorted(named - (self.passed - self.others))
        if self.missing and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self.missing:
            terminalreporter.section("checks of the ledger that did not pass, or did not run")
            for name in self.missing:
                terminalreporter.line(name)
