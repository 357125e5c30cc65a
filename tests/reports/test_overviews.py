"""Many sites: planted groups and odd sites are found, drawn in that order, and told in tables that are short."""

import base64
import io
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from planted_sites import ODD, planted_group, planted_sites
from scipy import stats

from shiftscope.profiles import Profile
from shiftscope.reports.html import Material
from shiftscope.reports.html.matrices import LEVELS
from shiftscope.reports.html.overviews import pair_effects
from shiftscope.reports.html.overviews.cell_images import shades
from shiftscope.reports.html.overviews.group_map import group_map
from shiftscope.reports.html.overviews.heat_maps import heat_maps
from shiftscope.reports.html.overviews.neighbours import neighbours
from shiftscope.reports.html.overviews.pair_effects import PairEffects
from shiftscope.reports.html.overviews.site_overview import Overview
from shiftscope.reports.html.overviews.sorted_sites import sort_sites
from shiftscope.shifts import SiteStatistics, compare_all

COUNT = 200


def overview_of(profiles: list[Profile]) -> Overview:
    return Overview.of(profiles, [SiteStatistics.of(profile) for profile in profiles], [])


@pytest.fixture(scope="module")
def east(material: Material) -> Profile:
    return material.profiles[1]


@pytest.fixture(scope="module")
def overview(east: Profile) -> Overview:
    return overview_of(planted_sites(east, COUNT))


@pytest.fixture(scope="module")
def few(east: Profile) -> list[Profile]:
    """Eighteen sites, one of which has no brightness to compare."""
    *others, last = planted_sites(east, 18)
    return [*others, last.model_copy(update={"sketches": {**last.sketches, "intensity": None}})]


def between(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


# Who stands alone, who belongs together


def test_planted_odd_sites_come_first_and_planted_groups_follow_whole(overview: Overview) -> None:
    places = [int(site.removeprefix("hospital ")) for site in overview.order]
    assert sorted(places) == list(range(COUNT))
    assert set(places[:2]) == set(ODD)
    groups = [
        [planted_group(place) for place in places[band.places.start : band.places.stop]] for band in overview.bands
    ]
    assert [band.name for band in overview.bands] == ["odd", "group 1", "group 2"]
    assert [set(group) for group in groups[1:]] == [{0}, {1}]
    assert [planted_group(int(site.removeprefix("hospital "))) for site in overview.typical] == [0, 1]


def test_sites_that_differ_by_noise_have_neither_odd_ones_nor_groups(east: Profile) -> None:
    found = overview_of(planted_sites(east, 60, alike=True))
    assert found.odd == []
    assert [band.name for band in found.bands] == ["all sites"]
    assert "No site stands alone. The sites form no groups that are clearly apart." in heat_maps(found)[0].says


def test_a_handful_of_odd_sites_that_are_alike_do_not_hide_each_other_and_a_group_is_not_odd() -> None:
    rng = np.random.default_rng(0)
    for size, odd in ((5, True), (30, False)):
        points = rng.normal(size=(200, 5)) * 0.3
        points[:size] += 10.0
        distance = between(points)
        found = sort_sites(distance, np.where(distance > 3, 0.0, 1.0))
        assert set(found.odd) == (set(range(size)) if odd else set())
        assert len(found.groups) == (1 if odd else 2)


def test_what_chance_could_have_put_apart_is_neither_odd_nor_a_group() -> None:
    points = np.random.default_rng(1).normal(size=(60, 3)) * 0.1
    points[30:] += 4.0
    points[0] += 40.0
    distance = between(points)
    sure, unsure = (sort_sites(distance, np.where(distance > far, 0.0, 1.0)) for far in (1.0, np.inf))
    assert sure.odd == (0,)
    assert [set(group) for group in sure.groups] in (
        [{*range(1, 30)}, {*range(30, 60)}],
        [{*range(30, 60)}, {*range(1, 30)}],
    )
    assert unsure.odd == ()
    assert len(unsure.groups) == 1


@pytest.mark.parametrize("count", [20, 60, 200])
def test_sites_of_any_size_that_differ_by_chance_have_neither_odd_ones_nor_groups(count: int) -> None:
    """Twenty federations of 20 to 1,000 patients a site, on twelve coordinates of which no mean differs."""
    rng = np.random.default_rng(count)
    for _ in range(20):
        noise = 1 / np.exp(rng.uniform(np.log(20), np.log(1000), count))
        squared = between(rng.normal(size=(count, 12)) * np.sqrt(noise)[:, None]) ** 2
        chance = noise[:, None] + noise[None]
        doubt = stats.chi2.sf(squared / chance, 12)
        found = sort_sites(np.sqrt(np.maximum(squared - 12 * chance, 0)) * (1 - np.eye(count)), doubt)
        assert found.odd == ()
        assert len(found.groups) == 1


def test_sites_on_a_line_are_ordered_along_it() -> None:
    places = np.random.default_rng(2).permutation(40)
    found = sort_sites(between(places[:, None].astype(float)), np.ones((40, 40)))
    along = places[list(found.order)]
    assert (np.diff(along) == 1).all() or (np.diff(along) == -1).all()


# The effects


def test_effects_are_those_of_the_comparison_of_all_pairs(few: list[Profile], monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of any size; the brightness that one site lacks is missing and not 0."""
    sites = [SiteStatistics.of(profile) for profile in few]
    whole = PairEffects.of(sites, [])
    monkeypatch.setattr(pair_effects, "_BLOCK", 7)
    blocks = PairEffects.of(sites, [])
    shifts = compare_all(sites).pairs
    axes = {"appearance": ("intensity", "colour", "texture", "noise"), "structure": ("layout",), "label": ("labels",)}
    assert set(whole.questions) == set(axes)
    for question, names in axes.items():
        found = whole.questions[question]
        assert found == pytest.approx(blocks.questions[question], nan_ok=True)
        assert (np.diag(found) == 0).all()
        for (a, b), shift in shifts.items():
            effects = [effect.value for effect in shift.effects if effect.axis in names]
            i, j = whole.sites.index(a), whole.sites.index(b)
            assert found[i, j] == found[j, i] == pytest.approx(max(effects))
    assert whole.doubt == pytest.approx(blocks.doubt)


def test_doubt_is_of_a_difference_that_matters_and_of_all_axes_looked_at(few: list[Profile]) -> None:
    sites = [SiteStatistics.of(profile) for profile in few]
    found = PairEffects.of(sites, [])
    shifts = compare_all(sites).pairs
    margins = {"appearance": 0.1, "structure": 0.1, "label": 0.05}
    for (a, b), shift in [*shifts.items()][::10]:
        asked = [effect for effect in shift.effects if effect.question in margins and effect.axis != "lesion"]
        expected = min(1 - effect.exceeds(margins[effect.question]) for effect in asked) * len(asked)
        i, j = found.sites.index(a), found.sites.index(b)
        assert found.doubt[i, j] == pytest.approx(min(expected, 1), abs=1e-9)
    assert (np.diag(found.doubt) == 1).all()


def test_pairs_that_cannot_be_compared_are_hatched_and_not_near(overview: Overview) -> None:
    unknown = np.full((COUNT, COUNT), np.nan)
    np.fill_diagonal(unknown, 0.0)
    effects = PairEffects(overview.effects.sites, {"appearance": unknown}, np.ones((COUNT, COUNT)))
    assert np.isnan(effects.together[0, 1])
    assert "hatch" not in heat_maps(overview)[0].svg
    partly = overview.effects.questions["appearance"].copy()
    partly[3, 4] = partly[4, 3] = np.nan
    effects = PairEffects(overview.effects.sites, {"appearance": partly}, overview.effects.doubt)
    assert effects.distance[3, 4] == effects.distance.max()
    hatched = heat_maps(Overview(effects, overview.ordering, overview.patients))[0]
    assert f"url(#{hatched.key}-hatch)" in hatched.svg
    assert sum(pixel[3] == 0 for pixel in picture(hatched.svg, "by-day").get_flattened_data()) == 2


# The drawing


def picture(svg: str, theme: str) -> Image.Image:
    found = re.search(rf'class="{theme}"[^>]*href="data:image/png;base64,([^"]*)"', svg)
    assert found is not None
    return Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("RGBA")


@pytest.mark.parametrize("theme", ["by-day", "by-night"])
def test_every_cell_has_the_shade_of_its_effect(overview: Overview, theme: str) -> None:
    """Read off the picture: each site where its tooltip is."""
    colours = shades()[theme == "by-night"]
    drawn, ordered = heat_maps(overview)[0], overview.ordered(overview.effects.together)
    pixels = np.array(picture(drawn.svg, theme))
    root = ElementTree.fromstring(drawn.svg)
    box = next(item for item in root.iter("image"))
    rows = [item for item in root.iter("rect") if item.find("title") is not None]
    unit = float(box.attrib["height"]) / len(pixels)
    middles = [
        int((float(row.attrib["y"]) + float(row.attrib["height"]) / 2 - float(box.attrib["y"])) / unit) for row in rows
    ]
    names = [(row.findtext("title") or "").rpartition(", ")[0] for row in rows]
    assert names == overview.order
    for i in range(0, COUNT, 7):
        for j in range(0, COUNT, 11):
            level = sum(ordered[i, j] >= edge for edge in LEVELS)
            assert "#{:02x}{:02x}{:02x}".format(*pixels[middles[i], middles[j]][:3]) == colours[level]
    assert (pixels == pixels.transpose(1, 0, 2)).all()


def test_shades_grow_towards_ink_in_both_themes() -> None:
    """Each is told from the next, and the ends are as far apart as text and paper."""
    for colours, sign in zip(shades(), (1, -1), strict=True):
        lights = [_luminance(colour) + 0.05 for colour in colours[:-1]]
        steps = [(one / other) ** sign for one, other in pairwise(lights)]
        assert len(lights) == len(LEVELS) + 1
        assert min(steps) > 1.05
        assert (lights[0] / lights[-1]) ** sign > 7


def _luminance(colour: str) -> float:
    parts = [int(pair, 16) / 255 for pair in re.findall("..", colour[1:])]
    return float(
        np.dot([0.2126, 0.7152, 0.0722], [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts])
    )


def test_odd_sites_have_their_names_beside_their_rows_and_no_word_lies_on_another(overview: Overview) -> None:
    for figure in heat_maps(overview):
        root = ElementTree.fromstring(figure.svg)
        words = [(item.text, float(item.attrib["y"])) for item in root.iter("text")]
        assert [text for text, _ in words] == [*overview.odd, "1", "2"]
        assert all(lower - upper >= 11 for (_, upper), (_, lower) in pairwise(words))
        assert max(height for _, height in words) < float(root.attrib["height"])


def test_many_small_groups_keep_their_marks_apart_and_inside(overview: Overview) -> None:
    sizes = [150, 30, 4, 4, 3, 3, 3, 3]
    ends = np.cumsum(sizes)
    groups = tuple(tuple(range(end - size, end)) for size, end in zip(sizes, ends, strict=True))
    ordering = type(overview.ordering)((), groups, tuple(group[0] for group in groups))
    root = ElementTree.fromstring(heat_maps(Overview(overview.effects, ordering, overview.patients))[0].svg)
    heights = [float(item.attrib["y"]) for item in root.iter("text")]
    assert len(heights) == 8
    assert min(np.diff(heights)) >= 11
    assert max(heights) < float(root.attrib["height"])


def test_names_are_text_in_every_drawing(east: Profile) -> None:
    profiles = [
        profile.model_copy(update={"site": f'<b onload="x">&{profile.site}'}) for profile in planted_sites(east, 40)
    ]
    found = overview_of(profiles)
    assert found.odd
    for figure in (*heat_maps(found), group_map(found)):
        root = ElementTree.fromstring(figure.svg)
        assert "b" not in {item.tag for item in root.iter()}
        assert "<b on" in "".join(root.itertext())
    tooltips = "".join(ElementTree.fromstring(heat_maps(found)[0].svg).itertext())
    assert all(site in tooltips for site in found.order)


# Tables instead of the picture


def test_groups_against_groups_stand_beside_the_picture(overview: Overview) -> None:
    for figure, effects in zip(
        heat_maps(overview), [overview.effects.together, *overview.effects.questions.values()], strict=True
    ):
        names = [row[0] for row in figure.table.rows]
        assert names == [*(f"'{site}'" for site in overview.odd), "group 1, 132 sites", "group 2, 66 sites"]
        assert list(figure.table.columns[1:]) == names
        first, second = ([*group] for group in overview.ordering.groups)
        median = float(np.median(effects[np.ix_(first, second)]))
        shown = float(figure.table.rows[2][4].split(" ")[0])
        assert shown == pytest.approx(median, rel=0.05, abs=0.001)
        assert figure.table.rows[0][1] == "itself"


def test_every_site_has_its_nearest_and_farthest_in_a_line(overview: Overview) -> None:
    table = neighbours(overview)
    assert [row[0] for row in table.rows] == overview.order
    together = overview.effects.together + np.diag(np.full(COUNT, np.nan))
    place = {site: index for index, site in enumerate(overview.effects.sites)}
    for row in table.rows[::9]:
        effects = together[place[row[0]]]
        assert effects[place[row[4]]] == np.nanmin(effects)
        farthest, _, question = row[6].partition(", in ")
        assert effects[place[farthest]] == np.nanmax(effects)
        by_question = {
            name: found[place[row[0]], place[farthest]] for name, found in overview.effects.questions.items()
        }
        assert question == max(by_question, key=lambda name: by_question[name])
    assert all(
        planted_group(int(row[4].removeprefix("hospital "))) == planted_group(int(row[0].removeprefix("hospital ")))
        for row in table.rows[2:]
    )


def test_the_drawn_sites_are_the_odd_the_typical_and_some_of_all(overview: Overview) -> None:
    drawn = overview.drawn(12)
    assert len(drawn) == len(set(drawn)) == 12
    assert drawn[:2] == overview.odd
    assert {*overview.typical} <= {*drawn}
    assert drawn == sorted(drawn, key=overview.order.index)
    assert {planted_group(int(site.removeprefix("hospital "))) for site in drawn} >= {0, 1}


def test_the_map_holds_every_site_and_names_the_odd(overview: Overview) -> None:
    figure = group_map(overview)
    assert [row[0] for row in figure.table.rows] == overview.order
    texts = [item.text for item in ElementTree.fromstring(figure.svg).iter("text")]
    assert [text for text in texts if text and text.startswith("hospital")] == overview.odd
    assert {"odd", "group 1", "group 2"} <= {*texts}
