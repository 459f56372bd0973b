"""What surrounds the book in the repository: the workflow that publishes it, and forms."""

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text("utf8"))


def commands(job):
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def test_the_workflow_runs_the_whole_check_and_makes_the_site():
    check = commands("check")
    assert ".ci/run" in check
    assert check.index("make site") > check.index(".ci/run")
    assert "\nsite: " in (ROOT / "Makefile").read_text("utf8")
    (upload,) = [s for s in WORKFLOW["jobs"]["check"]["steps"] if "upload" in s.get("uses", "")]
    assert upload["with"]["path"] == "_build/html"


def test_only_what_passed_is_published_where_colab_looks_for_it():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from publishing import PUBLISHED

    job = WORKFLOW["jobs"]["publish"]
    assert job["needs"] == "check"
    assert job["if"] == "github.event_name == 'push'"
    assert WORKFLOW[True]["push"]["branches"] == ["main"]  # YAML reads the key "on" as true
    (push,) = commands("publish")
    assert f"--initial-branch={PUBLISHED}" in push
    assert push.rstrip().endswith(PUBLISHED)
    assert "touch .nojekyll" in push


def test_nobody_else_may_write():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "permissions" not in WORKFLOW["jobs"]["check"]


def test_contributors_find_conduct_changes_and_forms():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf8")
    for path in ("CODE_OF_CONDUCT.md", "CHANGELOG.md", ".github/ISSUE_TEMPLATE/error.md"):
        assert f"]({path})" in text
        assert (ROOT / path).exists()
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"))
    assert len(forms) == 3
    for form in forms:
        head = yaml.safe_load(re.match(r"---\n(.+?)---\n", form.read_text("utf8"), re.DOTALL)[1])
        assert {"name", "about", "labels"} <= set(head)


def test_keywords_are_of_pages_and_of_one_each():
    keywords = yaml.safe_load((ROOT / "book" / "keywords.yml").read_text("utf8"))
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
    chapters = [
        chapter["file"]
        for part in toc["parts"]
        if "numbered" in part
        for chapter in part["chapters"]
    ]
    assert set(chapters) <= set(keywords)
    for page in keywords:
        assert list((ROOT / "book").glob(f"{Path(page).name}.*"))
    phrases = [phrase for listed in keywords.values() for phrase in listed]
    assert len(phrases) == len(set(phrases))
