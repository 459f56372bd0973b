"""What Binder installs, in an empty environment, and a chapter opened in its JupyterLab."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.support import copy_repository


@pytest.fixture(scope="module")
def binder(tmp_path_factory):
    """A copy of the repository with .venv made from .binder/requirements.txt."""
    root = copy_repository(tmp_path_factory.mktemp("binder") / "book")
    listed = (root / ".binder" / "requirements.txt").read_text("utf8").splitlines()
    # PyTorch's own index may be out of reach here; the pin itself is installed all the same.
    kept = [line for line in listed if not line.startswith("--extra-index-url")]
    assert len(kept) == len(listed) - 1
    (root / ".binder" / "without_index.txt").write_text("\n".join(kept))
    subprocess.run([sys.executable, "-m", "venv", root / ".venv"], check=True)
    install = ["-m", "pip", "install", "--quiet", "-r", ".binder/without_index.txt"]
    subprocess.run([root / ".venv/bin/python", *install], cwd=root, check=True)
    path = f"{root / '.venv/bin'}:{os.environ['PATH']}"
    subprocess.run([".binder/postBuild"], cwd=root, env=os.environ | {"PATH": path}, check=True)
    return root


@pytest.fixture(scope="module")
def lab(binder, tmp_path_factory):
    """The address of JupyterLab in that environment, with its token, in a home of its own.

    In the user's it would open the notebooks that were left open there.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "IPYTHON", "XDG_"))
    }
    environment["HOME"] = str(tmp_path_factory.mktemp("home"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    server = subprocess.Popen(
        [binder / ".venv/bin/python", "-m", "jupyterlab", "--no-browser", "--allow-root",
         "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
         f"--IdentityProvider.token={token}"],
        cwd=binder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api/status?token={token}").close()
            break
        except OSError:
            time.sleep(0.5)
    yield address, token
    server.terminate()
    server.wait()


def test_a_chapter_opens_runs_and_answers_its_slider(browser, lab):
    address, token = lab
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/lab/tree/book/expected_collision.ipynb?token={token}")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")

    # Before anything is run: MyST is rendered, the explorer shows its still picture.
    page.wait_for_selector(".jp-MarkdownCell .myst aside:has-text('Definition 3.1')")
    assert "{prf:definition}" not in page.locator(".jp-Notebook").inner_text()

    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile(r"^Run All Cells\s*$")).click()
    slider = page.locator(".jp-OutputArea .widget-slider [role=slider]").first
    slider.wait_for(state="attached")
    slider.scroll_into_view_if_needed()
    picture = page.locator(".jp-OutputArea .widget-html img").first
    picture.wait_for(state="visible")
    before = picture.get_attribute("src")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.jp-OutputArea .widget-html img').src !== before",
        arg=before,
    )
    assert "n = 100" in picture.get_attribute("alt")


def test_references_are_words_and_nothing_stands_over_the_text(browser, lab):
    """In a chapter that cites works, and theorems of others, before anything is run."""
    address, token = lab
    page = browser.new_page(viewport={"width": 1280, "height": 2400})
    page.goto(f"{address}/lab/tree/book/model_variation.ipynb?token={token}&reset")
    page.wait_for_selector(".jp-Notebook .myst aside")
    page.wait_for_selector("text=(Seddik et al., 2024)")
    page.wait_for_timeout(3000)  # a prompt would come by now
    shown = page.locator(".jp-Notebook").inner_text()
    assert page.locator('span[title$="Not Found"]').count() == 0
    assert not re.search(r"seddik2024|(thm|lem|eq|ex|fig)-[a-z]", shown)
    assert page.locator(".Toastify__toast").count() == 0
    # The numbers are those of the book; a tag of the paper is not said twice.
    chapter = re.search(r"Lemma (\d+)\.1", shown)[1]
    numbers = page.locator('a[aria-label="Link to this Equation"]').evaluate_all(
        "links => links.filter(link => !link.hidden).map(link => link.textContent)"
    )
    assert f"({chapter}.1)" in numbers
    assert all(re.fullmatch(rf"\({chapter}\.\d+\)", number) for number in numbers)

    # A link to another chapter opens it, in place of its bare file.
    link = page.locator(".jp-Notebook .myst a[href*='/files/book/']:visible").first
    name = re.search(r"/(\w+)\.ipynb", link.get_attribute("href"))[1]
    link.click()
    page.wait_for_selector(f".lm-TabBar-tab.lm-mod-current:has-text('{name[:12]}')")
