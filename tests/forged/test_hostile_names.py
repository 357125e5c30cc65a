"""Names that can be printed may still mean something to Markdown, HTML or a terminal; they are shown as text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from honest_documents import PROFILES, Values
from mutations import as_json

NAMES = (
    "a|b\\|c\\",
    "`a` ``b",
    "[click](javascript:alert(1)) ![x](http://x/y.png) [a][b]",
    "<img src=x onerror=alert(1)>",
    "</td></tr></table><script>alert(1)</script>",
    '\'; DROP TABLE "sites" --',
    "[bold red]rich[/bold red] [link=http://x]y[/link]",
    "{{ 7 * 7 }} {% raw %}",
    "# heading * _emphasis_ ~x~",
    "**bold** __strong__ ~~gone~~",
    "@octocat #1 gh#2 https://x.y www.x.y",
    "&lt;b&gt; &#64;octocat",
    "[a]: http://x",
    "1. one",
    "x" * 200,
    "אבג",
)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def named(name: str, base: str) -> Values:
    """A profile whose every name is this one."""
    values = {**PROFILES[base], "site": name}
    values["acquisition"] = {"scanner": {name: values["patients"]}}
    values["labels"] = {name if label == "benign" else label: count for label, count in values["labels"].items()}
    values["by_class"] = {name if label == "benign" else label: axes for label, axes in values["by_class"].items()}
    return values


@pytest.fixture(params=range(len(NAMES)))
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, Path]:
    """A hostile site, and the one it is compared with."""
    name = NAMES[request.param]
    hostile, other = tmp_path / "hostile.profile.json", tmp_path / "other.profile.json"
    hostile.write_bytes(as_json(named(name, "classes-a")))
    other.write_bytes(as_json(PROFILES["classes-b"]))
    return name, hostile, other


def test_markdown_keeps_its_tables(run, files: tuple[str, Path, Path]) -> None:
    _, hostile, other = files
    for command in (("recommend", hostile, other), ("check", hostile, "--against", other), ("watch", other, hostile)):
        done = run(*command, "--format", "markdown")
        assert done.code in (0, 1, 3), done.err
        widths = []
        for line in done.out.splitlines():
            cells = re.sub(r"\\.", "", line).count("|")
            if line.startswith("|"):
                widths.append(cells)
            elif widths:
                assert len({*widths}) == 1, widths
                widths = []
        bare = re.sub(r"\\.", "", done.out).replace("&#8203;", "\u200b")
        assert not re.search(r"<[a-zA-Z/!?]", bare)
        assert not re.search(r"\]\(|\]\[|\]:", bare)
        assert not re.search(r"[`~]|\*\*|(?<!\w)_|_(?!\w)|@\w|#\d|://|www\.|&(?!amp;|lt;)", bare)
        assert not re.search(r"^- (#|\d+[.)] |>|[+-] )", bare, re.MULTILINE)


MARKUP = [name for name in NAMES if set(name) & set("<{")]


def test_a_page_has_no_other_tag_and_no_handler(run, tmp_path: Path) -> None:
    pages = []
    for name in ("plain", *MARKUP):
        (tmp_path / "one.profile.json").write_bytes(as_json(named(name, "classes-a")))
        assert run("report", tmp_path / "one.profile.json", "-o", tmp_path / "page.html").code == 0
        pages.append(Tags((tmp_path / "page.html").read_text(encoding="utf-8")))
    for page in pages[1:]:
        assert {*page.tags} == {*pages[0].tags}
        assert page.tags.count("script") == pages[0].tags.count("script")
        assert not page.handlers


def test_a_terminal_shows_them_as_they_are(run, files: tuple[str, Path, Path]) -> None:
    name, hostile, other = files
    short, whole = run("recommend", hostile, other), run("recommend", hostile, other, "--verbose")
    assert short.code == whole.code == 0
    assert name.split()[0][:8] in whole.out
    assert "\x1b" not in short.out + whole.out
