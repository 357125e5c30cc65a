"""Federations whose sites outline lesions: who is where, what was planted, and the tables heads learn from."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import encoded
import encoders
import federations
import members
import numpy as np
import outline_tables
import pytest
import sources
import specs
import tables
import torch

from shiftscope.plans import Plan
from shiftscope.training.rehearsals import pixel_heads
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.pixel_heads import FeatureMaps
from shiftscope.training.rehearsals.rehearsals_in_memory import rehearse_in_memory
from shiftscope.training.rehearsals.rehearsed_strategies import strategies_of

PHANTOM = "phantom_ultrasound_outlines"
PLAN = Plan.model_construct(task="segmentation", classes=(), folds=5)
PIXELS, FINE, COARSE = 32, 4, 8


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few and small phantoms."""
    monkeypatch.setattr(sources, "DRAWN", 48)
    monkeypatch.setattr(sources, "PIXELS", PIXELS)
    monkeypatch.setattr(sources, "OUTLINED_PIXELS", PIXELS)
    sources.cohort_of.cache_clear()
    yield
    sources.cohort_of.cache_clear()


def site(change: specs.Change = (), part: int = 2) -> members.Members:
    return members.members_of(specs.SiteSpec(PHANTOM, 1, part, 3, 16, change=change), Path())


def outlined() -> list[specs.Federation]:
    return [item for item in federations.federations() if item.task == "segmentation"]


class TestFederations:
    def test_every_shift_of_the_issue_is_planted_mild_and_strong(self) -> None:
        severities = defaultdict(set)
        for item in outlined():
            severities[item.plant].add(item.severity)
        for plant in ("lesion size", "lesion place", "lesion number", "contours", "gamma", "noise", "zoom"):
            assert severities[plant] == {0.5, 1.0}
        assert severities["inversion"] == severities["gamma and contours"] == {1.0}

    def test_every_source_of_outlines_has_every_shift_once(self) -> None:
        plants = defaultdict(list)
        for item in outlined():
            if item.kind != "natural":
                plants[item.family].append(item.plant)
        assert len(plants) == 5
        assert len({tuple(sorted(each)) for each in plants.values()}) == 1
        assert all(len(set(each)) == len(each) for each in plants.values())

    def test_all_subsets_of_real_hospitals_are_there_and_none_twice(self) -> None:
        """Of four hospitals 11, whole and thinned twice; 60 patients of the two small ones would be all once more."""
        natural = [item for item in outlined() if item.kind == "natural"]
        assert len(natural) == 3 * 11 - 1
        assert len({(frozenset(item.sites), item.seed) for item in natural}) == len(natural)
        for item in natural:
            assert (item.family == "BUS-BRA") == ("busi_outlines" not in item.sites)

    def test_sources_know_whether_they_are_outlined(self) -> None:
        for item in federations.federations():
            known = {sources.SOURCES[spec.source].outlined for spec in item.sites.values()}
            assert known == {item.task == "segmentation"}


@pytest.mark.usefixtures("_few")
class TestSites:
    @pytest.mark.parametrize("source", [name for name, about in sources.SOURCES.items() if about.anatomy])
    def test_no_patient_is_at_two_sites(self, source: str) -> None:
        rows = [
            row for part in range(3) for row in members.members_of(specs.SiteSpec(source, 1, part, 3, 12), Path()).rows
        ]
        assert len(set(rows)) == len(rows) == 36

    def test_everybody_has_an_outline_and_nobody_a_class(self) -> None:
        found = site()
        assert found.outlines().any(axis=(1, 2)).all()
        cases = found.site("a").cases
        assert all(case.masks for case in cases)
        assert {case.label for case in cases} == {None}

    def test_contours_change_outlines_and_no_image(self) -> None:
        still, wide = site(), site((("dilated_masks", 1.0), ("jagged_masks", 1.0)))
        np.testing.assert_array_equal(still.canvases(), wide.canvases())
        assert wide.outlines().mean() > 1.3 * still.outlines().mean()

    def test_gamma_changes_images_and_no_outline(self) -> None:
        still, dark = site(), site((("gamma", 1.0),))
        np.testing.assert_array_equal(still.outlines(), dark.outlines())
        assert np.abs(dark.canvases().astype(float) - still.canvases()).mean() > 0.05

    def test_lesions_are_larger_elsewhere_or_more(self) -> None:
        still = site().outlines()
        assert site((("lesion_scale", 1.0),)).outlines().mean() > 1.8 * still.mean()
        assert site((("lesion_count", 1.0),)).outlines().mean() > 1.3 * still.mean()
        places = [
            np.argwhere(found).mean(axis=0)[1:] for found in (still, site((("lesion_location", 1.0),)).outlines())
        ]
        np.testing.assert_allclose(places[1] - places[0], 0.08 * PIXELS, atol=1)


@pytest.mark.real
def test_no_patient_is_at_two_real_hospitals(real_data: Path) -> None:
    hospitals = specs.FAMILIES["breast ultrasound"].outlined_hospitals
    patients = [name for source in hospitals for name in sources.cohort_of(source, real_data).patients]
    assert len(set(patients)) == len(patients) == 21 + 36 + 120 + 120
    assert set(sources.cohort_of("busbra_outlines", real_data).patients) <= set(patients)


def pooled(canvases: np.ndarray) -> np.ndarray:
    """Two levels: darkness in cells of 4 pixels, and half of it in cells of 8."""
    grey = 1 - canvases[:, 0].astype(np.float32)
    found = []
    for cell, weight in ((FINE, 1.0), (COARSE, 0.5)):
        count = PIXELS // cell
        means = grey.reshape(len(grey), count, cell, count, cell).mean(axis=(2, 4))
        found.append(weight * means.reshape(len(grey), -1))
    return np.concatenate(found, axis=1).astype(np.float16)


@pytest.mark.usefixtures("_few")
class TestTables:
    @pytest.fixture
    def made(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> outline_tables.OutlineTables:
        """Lesions that are dark on white, wider outlines at the last site, and an encoder that sees darkness."""
        shapes = ((1, PIXELS // FINE, PIXELS // FINE), (1, PIXELS // COARSE, PIXELS // COARSE))
        monkeypatch.setattr(encoded, "encode_maps", pooled)
        monkeypatch.setattr(outline_tables, "shapes_of_maps", lambda: shapes)
        drawn = sources.cohort_of(PHANTOM, tmp_path)
        plain = tuple(phantom.with_pixels(1.0 - phantom.mask) for phantom in drawn.phantoms)
        monkeypatch.setattr(encoded, "cohort_of", lambda *_: replace(drawn, phantoms=plain))
        monkeypatch.setattr(members, "cohort_of", lambda *_: replace(drawn, phantoms=plain))
        change = (("dilated_masks", 2.0),)
        sites = {
            name: specs.SiteSpec(PHANTOM, 1, part, 3, 16, change=change if name == "c" else ())
            for part, name in enumerate("abc")
        }
        item = specs.Federation("x", "a family", "annotation", "contours", 1.0, "odd", 1, "", sites, "segmentation")
        kept = encoded.Encoded(tmp_path, tmp_path / "features")
        parts = {name: tables.folds_of(kept.members(spec).site(name), PLAN) for name, spec in sites.items()}
        return outline_tables.OutlineTables(item, kept, parts)

    def test_each_level_has_its_own_scale(self, made: outline_tables.OutlineTables) -> None:
        found = made.of([None])
        levels = [rows.levels(torch.arange(len(rows.cases))) for rows in self._maps(found, "plain")]
        for level in range(2):
            assert np.mean([float((each[level] ** 2).mean()) for each in levels]) == pytest.approx(1, rel=0.01)

    def test_rows_are_images_with_their_outlines(self, made: outline_tables.OutlineTables) -> None:
        found = made.of([None, "quantile_map"])
        for name, spec in made.federation.sites.items():
            drawn = made.encoded.members(spec).outlines()
            for table in found[name].values():
                assert isinstance(table.rows, FeatureMaps)
                np.testing.assert_array_equal(table.rows.targets.numpy(), drawn)
        assert [table.folds for table in found["a"].values()] == [(0, 1, 2, 3, 4), (0,), (1,), (2,), (3,), (4,)]
        assert self._maps(found, "plain")[0].width == 2

    def test_who_outlines_otherwise_is_best_served_by_its_own_head(
        self, made: outline_tables.OutlineTables, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pixel_heads, "BUDGET", replace(BUDGET, map_rate=0.1))
        said = rehearse_in_memory(made.of([None]), strategies_of((), PLAN), 2, replace(BUDGET, rounds=4))
        gains = {name: found.means["local"] - found.means["fedavg"] for name, found in said.items()}
        assert gains["c"] > 0.1
        assert max(gains["a"], gains["b"]) < 0
        assert all(found.by_fold["fedavg"].shape == (5,) for found in said.values())

    @staticmethod
    def _maps(found: dict[str, dict[str, object]], name: str) -> list[FeatureMaps]:
        return [each[name].rows for each in found.values()]  # type: ignore[attr-defined]


@pytest.mark.slow
def test_maps_come_one_after_the_other_the_finest_first() -> None:
    found = encoders.encode_maps(np.random.default_rng(0).random((3, 1, 96, 96)).astype(np.float16))
    shapes = encoders.shapes_of_maps()
    assert shapes == ((24, 24, 24), (40, 12, 12), (112, 6, 6), (320, 3, 3))
    assert found.shape == (3, sum(int(np.prod(shape)) for shape in shapes))
