"""The report in a browser: it asks for nothing, complains of nothing, and axe-core finds nothing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from browser import AXE, Tab, browser, chromium
from decided_runs import decided_run

from shiftscope.reports.html import gallery, read_material, write_page
from shiftscope.sites import draw_samples, read_site

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no chromium: run .ci/tools as root"),
]

PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(
    profile_files: list[Path], run_file: Path, fixtures: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The report with everything in it, with images, and of a run with each site's own model."""
    folder = tmp_path_factory.mktemp("pages")
    material = read_material(profile_files, run_file)
    samples = draw_samples(read_site(fixtures / "brighter" / "east"), 3, 0)
    pictures = gallery("east", [(item.pixels, item.mask, item.shape) for item in samples])
    out = {name: folder / f"{name}.html" for name in ("plain", "images", "alone")}
    write_page(material, out["plain"])
    write_page(material, out["images"], pictures)
    run = decided_run(("take_part", "own_model", "alone", "undecided"), "undecided", analyses=1, harmed=("a",))
    write_page(replace(material, result=run, plan=run.plan), out["alone"])
    return out


@pytest.mark.parametrize("name", ["plain", "images", "alone"])
def test_it_loads_with_no_request_and_no_complaint(tab: Tab, pages: dict[str, Path], name: str) -> None:
    tab.requests.clear()
    tab.complaints.clear()
    tab.show(pages[name])
    asked = [url for url in tab.requests if not url.startswith("data:")]
    assert asked == [pages[name].as_uri()]
    assert tab.complaints == []


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: run .ci/tools")
@pytest.mark.parametrize("name", ["plain", "images", "alone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing(tab: Tab, pages: dict[str, Path], name: str, dark: bool, width: int) -> None:
    tab.show(pages[name], dark=dark, width=width)
    found = tab.axe()
    assert [(item["id"], [node["html"][:200] for node in item["nodes"][:3]]) for item in found] == []


def test_a_phone_never_scrolls_the_page_sideways(tab: Tab, pages: dict[str, Path]) -> None:
    for name, width in product(("plain", "alone"), (320, PHONE)):
        tab.show(pages[name], width=width)
        tab.ask("document.querySelectorAll('details').forEach(item => item.open = true)")
        assert tab.ask("document.documentElement.scrollWidth") <= width


def test_the_keyboard_finds_the_report_first_and_then_every_section(tab: Tab, pages: dict[str, Path]) -> None:
    tab.show(pages["plain"])
    tab.press("Tab", 9)
    assert tab.ask("document.activeElement.textContent") == "Skip to the report"
    assert tab.ask("document.activeElement.getBoundingClientRect().left") >= 0
    links = tab.ask("document.querySelectorAll('nav a').length")
    for _ in range(links):
        tab.press("Tab", 9)
        assert tab.ask("document.activeElement.closest('nav') !== null")
    assert tab.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_words_in_drawings_are_large_enough_on_a_phone(tab: Tab, pages: dict[str, Path]) -> None:
    tab.show(pages["plain"], width=PHONE)
    sizes = tab.ask(
        "[...document.querySelectorAll('svg text')].map(item => item.getScreenCTM().a"
        " * parseFloat(getComputedStyle(item).fontSize)).filter(size => size > 0)"
    )
    assert min(sizes) > 9


def test_colours_of_lines_stand_out_from_the_page_in_both_themes(tab: Tab, pages: dict[str, Path]) -> None:
    """3 : 1 at least, as WCAG asks of graphics."""
    for dark in (False, True):
        tab.show(pages["plain"], dark=dark)
        names = ["--accent", *(f"--series-{number}" for number in range(1, 9))]
        values = tab.ask(
            f"{[*names, '--surface']!r}.map(name => getComputedStyle(document.documentElement).getPropertyValue(name))"
        )
        *lines, paper = map(_luminance, values)
        assert all((max(line, paper) + 0.05) / (min(line, paper) + 0.05) >= 3 for line in lines)


def _luminance(colour: str) -> float:
    parts = [int(pair, 16) / 255 for pair in re.findall("..", colour.strip().removeprefix("#"))]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
