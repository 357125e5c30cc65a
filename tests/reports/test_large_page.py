"""The report on 200 sites: small enough to be mailed, whole, and readable by everybody."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import AXE, Tab, browser, chromium
from decided_runs import decided_run
from page_outline import Outline
from planted_sites import planted_sites, shared

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, profile_site
from shiftscope.recommendation import advise
from shiftscope.reports.html import MOST_BYTES, Material, render, write_page
from shiftscope.reports.html.material import with_comparison
from shiftscope.sites import read_site

pytestmark = pytest.mark.slow

COUNT = 200
PHONE, DESK = 390, 1280
in_browser = pytest.mark.skipif(chromium() is None, reason="no chromium: run .ci/tools as root")


@pytest.fixture(scope="module")
def trained(fixtures: Path) -> Material:
    """Sites with masks, classes, scanners and long names, and a run of all of them."""
    base, _ = profile_site(read_site(fixtures / "both" / "early"), load_extractor(), Options())
    half = base.patients // 2
    named = base.model_copy(
        update={
            "labels": {"benign": half, "malignant": base.patients - half},
            "labelled": base.patients,
            "acquisition": {"scanner": {"Manufacturer Model A": half, "Manufacturer Model B": base.patients - half}},
        }
    )
    profiles = [item.model_copy(update={"site": f"university {item.site}"}) for item in planted_sites(named, COUNT)]
    run = decided_run(("take_part", "own_model", "alone", "undecided"), "undecided", analyses=1, harmed=("a",))
    sites = {item.site: [*run.sites.values()][place % 4] for place, item in enumerate(profiles)}
    planned = {item.site: run.plan.sites["a"] for item in profiles}
    plan = run.plan.model_copy(update={"sites": planned})
    run = run.model_copy(update={"plan": plan, "sites": sites})
    return with_comparison(Material(shared(profiles), advise(profiles), result=run, plan=plan))


@pytest.fixture(scope="module")
def page(trained: Material) -> str:
    return render(trained)


@pytest.fixture(scope="module")
def file(trained: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without the run, whose tables look like all others."""
    target = tmp_path_factory.mktemp("large") / "report.html"
    write_page(replace(trained, result=None, plan=None), target)
    return target


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with browser() as found:
        yield found


def test_it_takes_two_megabytes_at_the_most_with_a_run_and_without(page: str, file: Path) -> None:
    assert len(page.encode()) <= MOST_BYTES
    assert file.stat().st_size <= 0.7 * MOST_BYTES


def test_every_site_is_named_and_every_pointer_has_its_target(page: str, trained: Material) -> None:
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    assert {*outline.targets} <= {*outline.ids}
    assert "script" not in outline.tags
    assert all(source.startswith("data:") for source in outline.fetched)
    assert all(page.count(profile.site) >= 5 for profile in trained.profiles)
    assert {"heat-desc", "heat-appearance-desc", "heat-structure-desc", "map-desc"} <= {*outline.ids}


def test_findings_and_drawings_of_sites_end_where_nobody_reads_on(page: str, trained: Material) -> None:
    assert trained.advice is not None
    of_question = Counter(item.question for item in trained.advice.diagnosis.evidence)
    assert page.count("The others, which are smaller, are in what") == sum(n > 100 for n in of_question.values())
    assert page.count("<li>") < 700
    assert "Of 200 sites the 12 lowest and the 12 highest are drawn; the table has all." in page
    assert "all 200 files" in page


@in_browser
@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: run .ci/tools")
@pytest.mark.parametrize(
    ("within", "width", "dark"), [("html", DESK, False), ("#sites", PHONE, True)], ids=["whole", "sites-phone-dark"]
)
def test_axe_finds_nothing_on_it(tab: Tab, file: Path, within: str, width: int, dark: bool) -> None:
    """Rows of a table are made alike, so axe looks at the first twenty: at all it would for minutes."""
    tab.show(file, width=width, dark=dark)
    tab.ask("document.querySelectorAll('tbody').forEach(item => [...item.rows].slice(20).forEach(row => row.remove()))")
    found = tab.axe(within)
    assert [(item["id"], [node["html"][:200] for node in item["nodes"][:3]]) for item in found] == []


@in_browser
def test_it_asks_for_nothing_fits_a_phone_and_its_words_are_read_there(tab: Tab, file: Path) -> None:
    tab.requests.clear()
    tab.complaints.clear()
    tab.show(file, width=PHONE)
    assert [url for url in tab.requests if not url.startswith("data:")] == [file.as_uri()]
    assert tab.complaints == []
    sizes = tab.ask(
        "[...document.querySelectorAll('svg text')].map(item => item.getScreenCTM().a"
        " * parseFloat(getComputedStyle(item).fontSize)).filter(size => size > 0)"
    )
    assert min(sizes) > 9
    tab.ask("document.querySelectorAll('details').forEach(item => item.open = true)")
    assert tab.ask("document.documentElement.scrollWidth") <= PHONE


@in_browser
def test_the_picture_of_the_theme_is_shown_and_names_come_up_at_its_rows(tab: Tab, file: Path) -> None:
    for dark, theme in ((False, "by-day"), (True, "by-night")):
        tab.show(file, dark=dark)
        shown = tab.ask(
            "[...document.querySelectorAll('#sites image')].filter(item => getComputedStyle(item).display !== 'none')"
            ".map(item => item.getAttribute('class'))"
        )
        assert shown
        assert {*shown} == {theme}
    named = tab.ask(
        "(() => {const row = document.querySelector('.heat-map .rows rect'); row.scrollIntoView();"
        "const box = row.getBoundingClientRect();"
        "return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).textContent})()"
    )
    assert named.endswith(", odd")
