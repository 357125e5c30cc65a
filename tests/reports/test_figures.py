"""The map of sites and the heat tables, against distances that are known."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from shiftscope.recommendation import advise
from shiftscope.reports.html.answer_cards import answer_cards
from shiftscope.reports.html.figures.curve_plots import overlays
from shiftscope.reports.html.figures.drawing import MOST_DRAWN
from shiftscope.reports.html.figures.ridges import ridges
from shiftscope.reports.html.material import Material, with_comparison
from shiftscope.reports.html.matrices import LEVELS, by_axis, by_pair, by_site
from shiftscope.reports.html.scaling import classical, lay_out
from shiftscope.shifts import SiteStatistics, compare_all


def squared(places: np.ndarray) -> np.ndarray:
    return ((places[:, None] - places[None]) ** 2).sum(axis=-1)


def test_points_of_a_plane_are_found_again() -> None:
    places = np.random.default_rng(0).normal(size=(7, 2)) * [3.0, 1.0]
    found = lay_out(squared(places), squared(places), squared(places))
    assert squared(found.places) == pytest.approx(squared(places))
    assert found.stress == pytest.approx(0, abs=1e-7)
    assert found.radius == pytest.approx(0, abs=1e-6)
    assert found.places.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)


def test_what_does_not_fit_a_plane_is_told_as_stress() -> None:
    """The corners of a tetrahedron: all are 1 apart, which no plane can show."""
    equal = 1.0 - np.eye(4)
    found = lay_out(equal, equal, equal)
    between = np.sqrt(squared(found.places))
    assert found.stress == pytest.approx(np.sqrt(((between - equal) ** 2).sum() / equal.sum()))
    assert found.stress > 0.2


def test_wider_intervals_make_wider_circles() -> None:
    distance = squared(np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0], [4.0, 4.0]]))
    near = lay_out(distance, 0.9 * distance, 1.1 * distance)
    far = lay_out(distance, 0.5 * distance, 1.5 * distance)
    assert (far.radius > near.radius).all()
    assert (near.radius > 0).all()
    assert lay_out(distance, 0.9 * distance, 1.1 * distance).radius == pytest.approx(near.radius, abs=0)


def test_sites_that_are_alike_lie_on_one_point() -> None:
    assert classical(np.zeros((3, 3))) == pytest.approx(np.zeros((3, 2)), abs=1e-12)
    assert lay_out(np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 3))).stress == 0


def test_a_cell_for_every_pair_and_its_shade_follows_the_effect(material: Material) -> None:
    for matrix in by_pair(material):
        assert [len(cells) for _, _, cells in matrix.rows] == [1, 2]
        for _, _, cells in matrix.rows:
            for cell in cells:
                assert cell.answer
                if cell.level is not None:
                    edges = (0.0, *LEVELS, np.inf)
                    shown = float(cell.effect)  # to two digits
                    assert edges[cell.level] <= shown * 1.05 + 0.001
                    assert shown * 0.95 - 0.001 <= edges[cell.level + 1]
    assert {matrix.title.split(":")[0] for matrix in by_pair(material)} == {
        "Appearance",
        "Structure",
        "Class prevalence",
    }


def test_every_site_and_every_axis_has_its_table(material: Material) -> None:
    sites, axes = by_site(material), by_axis(material)
    assert sites is not None
    assert axes is not None
    assert [head for head, _, _ in sites.rows] == ["bright", "east", "west"]
    assert len(axes.rows) == 3
    assert all(len(cells) == len(axes.columns) for _, _, cells in axes.rows)
    assert not any("features" in head for head, _ in axes.columns)


@pytest.fixture(scope="module")
def many(material: Material) -> Material:
    """Twenty sites of three appearances."""
    files = tuple(
        replace(
            material.files[index % 3],
            profile=material.files[index % 3].profile.model_copy(
                update={"site": f"$_{index:02d}", "fingerprint": f"{index:064x}"}
            ),
        )
        for index in range(20)
    )
    return with_comparison(Material(files, advise([file.profile for file in files])))


def test_of_many_sites_maps_and_lists_stand_for_the_table_of_all_pairs(many: Material) -> None:
    assert many.overview is not None
    assert by_pair(many) == []
    telling = many.overview.telling(9)
    axes, sites = by_axis(many), by_site(many, telling)
    assert axes is not None
    assert sites is not None
    assert [head for head, _, _ in sites.rows] == telling
    assert {f"{a} – {b}" for a, b in combinations(sorted(telling), 2)} <= {head for head, _, _ in axes.rows}
    assert "the most typical of each group" in axes.title


def test_the_telling_pairs_have_the_effects_of_the_comparison_of_all(many: Material) -> None:
    """In the unit of all sites, not in their own."""
    whole = compare_all([SiteStatistics.of(profile) for profile in many.profiles]).pairs
    assert many.shifts
    for pair, shift in many.shifts.items():
        assert [effect.value for effect in shift.effects] == pytest.approx(
            [effect.value for effect in whole[pair].effects]
        )
        assert len(shift.contrasts) == len(whole[pair].contrasts)
        for one, other in zip(shift.contrasts, whole[pair].contrasts, strict=True):
            assert one.effect.value == pytest.approx(other.effect.value)
            assert one.effect.n == other.effect.n


def test_the_cards_of_many_sites_name_their_pairs_even_if_only_the_called_are_listed(many: Material) -> None:
    assert many.advice is not None
    whole = answer_cards(many)
    diagnosis = many.advice.diagnosis
    called = tuple(pair for pair in diagnosis.pairs if any(answer.called for answer in pair.axes.values()))
    assert 0 < len(called) < len(diagnosis.pairs)
    shorter = diagnosis.model_copy(update={"pairs": called})
    short = with_comparison(replace(many, advice=many.advice.model_copy(update={"diagnosis": shorter})))
    cards = answer_cards(short)
    assert cards[0] == whole[0]
    assert "of 190 pairs of sites called different" in cards[0].count
    assert [card.answer for card in cards] == [card.answer for card in whole]
    assert [card.count for card in cards] == [card.count for card in whole]


def test_drawings_hold_some_sites_and_tables_all(many: Material) -> None:
    """A dollar sign in a name is a dollar sign, and an underscore hides nothing."""
    profiles = [file.profile for file in many.files]
    quantiles, _ = overlays(profiles)
    assert quantiles.svg.count("$_") == MOST_DRAWN
    assert len(quantiles.table.columns) == 21
    for figure in ridges(profiles, "appearance"):
        assert figure.svg.count("$_") == MOST_DRAWN
        assert len(figure.table.rows) == 20


def test_of_many_sites_those_are_listed_that_are_drawn(many: Material) -> None:
    """All others are in their profiles: hundreds behind each drawing would be most of the page."""
    assert many.overview is not None
    drawn = [profile.site for profile in many.drawn]
    assert drawn == many.overview.drawn(MOST_DRAWN)
    for figure in ridges(many.drawn, "appearance"):
        assert [row[0] for row in figure.table.rows] == drawn
