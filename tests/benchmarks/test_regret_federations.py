"""The federations of the benchmark: who is where, and what was planted. On phantoms, for real images may be absent."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import federations
import members
import numpy as np
import pytest
import sources
import specs


class TestFederations:
    def test_the_list_is_the_same_every_time_and_no_name_stands_twice(self) -> None:
        found = federations.federations()
        assert found == federations.federations()
        assert len({item.name for item in found}) == len(found)
        assert Counter(item.task for item in found) == {"classification": 358, "segmentation": 92}

    def test_outlines_come_after_classes_so_that_numbers_stay(self) -> None:
        tasks = [item.task for item in federations.federations()]
        assert tasks == sorted(tasks)

    @pytest.mark.parametrize("first", [40, 120])
    def test_what_is_run_first_spans_families_and_kinds(self, first: int) -> None:
        found = federations.federations()[:first]
        assert {item.family for item in found} == set(specs.FAMILIES)
        kinds = {item.kind for item in found}
        assert {"none", "natural", "appearance", "structure", "labels", "concept"} <= kinds
        assert any("+" in kind for kind in kinds)

    def test_sites_of_a_planted_federation_are_parts_of_one_draw(self) -> None:
        for item in federations.federations():
            if item.kind != "natural":
                sites = list(item.sites.values())
                assert {(site.source, site.draw, site.parts) for site in sites} == {(sites[0].source, sites[0].draw, 3)}
                assert sorted(site.part for site in sites) == [0, 1, 2]
                changed = [bool(site.change or site.swapped or site.threshold) for site in sites]
                assert not any(changed) if item.kind in ("none", "labels") else not all(changed)


class TestSources:
    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(sources, "DRAWN", 48)
        monkeypatch.setattr(sources, "PIXELS", 32)
        sources.cohort_of.cache_clear()
        yield
        sources.cohort_of.cache_clear()

    @staticmethod
    def sites(**more: object) -> list[members.Members]:
        chosen = [specs.SiteSpec("phantom_chest", 1, part, 3, 16, **more) for part in range(3)]  # type: ignore[arg-type]
        return [members.members_of(spec, Path()) for spec in chosen]

    @pytest.mark.parametrize("more", [{}, {"tilt": 0.8}, {"tilt": 0.8, "graded": True}], ids=str)
    def test_no_patient_is_at_two_sites(self, more: dict[str, object]) -> None:
        rows = [row for site in self.sites(**more) for row in site.rows]
        assert len(set(rows)) == len(rows)

    def test_sites_that_are_alike_have_classes_in_one_share(self) -> None:
        counts = [site.labels.count("abnormal") for site in self.sites()]
        assert max(counts) - min(counts) <= 1

    def test_another_class_ratio_is_at_the_last_site_alone(self) -> None:
        counts = [site.labels.count("abnormal") for site in self.sites(tilt=0.8)]
        assert abs(counts[0] - counts[1]) <= 1
        assert counts[2] > counts[0] + 3

    def test_swapped_labels_keep_the_images_and_the_class_ratio(self) -> None:
        honest = self.sites()[2]
        spec = specs.SiteSpec("phantom_chest", 1, 2, 3, 16, swapped=0.35)
        swapped = members.members_of(spec, Path())
        assert members.image_key(spec) == members.image_key(specs.SiteSpec("phantom_chest", 1, 2, 3, 16))
        np.testing.assert_array_equal(honest.canvases(), swapped.canvases())
        changed = np.mean(np.array(honest.labels) != np.array(swapped.labels))
        assert changed == pytest.approx(0.35, abs=0.05)
        assert abs(honest.labels.count("abnormal") - swapped.labels.count("abnormal")) <= 1

    def test_another_threshold_calls_small_lesions_normal(self) -> None:
        spec = specs.SiteSpec("phantom_chest", 1, 2, 3, 16, threshold=0.5)
        site = members.members_of(spec, Path())
        areas = site.cohort.areas[site.rows]
        positive = np.array([label == "abnormal" for label in site.labels])
        assert areas[positive].min() > areas[~positive].max()
        assert 0 < positive.sum() < self.sites()[2].labels.count("abnormal")

    def test_a_plant_changes_images_and_neither_people_nor_labels(self) -> None:
        spec = specs.SiteSpec("phantom_chest", 1, 2, 3, 16, change=(("gamma", 1.0),))
        changed, still = members.members_of(spec, Path()), self.sites()[2]
        assert changed.labels == still.labels
        np.testing.assert_array_equal(changed.rows, still.rows)
        assert np.abs(changed.canvases().astype(float) - still.canvases()).mean() > 0.05
