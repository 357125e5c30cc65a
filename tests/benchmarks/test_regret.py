"""The benchmark of federations, on scores whose truth was made up: who chooses what, and on what he is judged."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "regret"))

import cells
import federations
import members
import policies
import scores
import sources
import specs
import torch
from outcomes import Outcome, read_outcomes

from shiftscope.training.rehearsals.head_tables import HeadTable
from shiftscope.training.rehearsals.linear_heads import FeatureRows
from shiftscope.training.rehearsals.rehearsals_in_memory import rehearse_in_memory
from shiftscope.training.rehearsals.rehearsed_strategies import Rehearsed

NAMES = ("fedavg", "local", "shrinkage", "quantile_map", "quantile_map+local")
KINDS = ("none", "appearance", "structure", "labels", "concept", "appearance+structure", "appearance+concept")


def outcome(
    gains: dict[str, float],
    noise: float = 0.0,
    seed: int = 0,
    kind: str = "none",
    family: str = "a family",
    harmonizer: str | None = None,
    personalizer: str | None = None,
    study: str = "",
) -> Outcome:
    """Three sites and five folds of one FedAvg of .8, and of strategies that gain this much, with chance in each."""
    rng = np.random.default_rng(seed)
    gain = np.array([gains.get(name, 0.0) for name in NAMES])
    drawn = rng.normal(0, noise, (3, len(NAMES), 5)) if noise else np.zeros((3, len(NAMES), 5))
    drawn[:, 0] = 0
    covariance = np.zeros((3, 5, len(NAMES), len(NAMES)))
    covariance[:, :] = np.diag([0, *[noise**2] * (len(NAMES) - 1)])
    about = {
        "name": f"{kind}-{family}-{seed}",
        "family": family,
        "kind": kind,
        "study": study,
        "swept": ["quantile_map"],
        "advice": {"harmonizer": harmonizer, "personalizer": personalizer},
    }
    return Outcome(
        about, ("a", "b", "c"), NAMES, 0.8 + gain[None, :, None] + drawn, covariance, np.full(3, 0.25), np.full(3, 55)
    )


def taken(policy: policies.Policy, item: Outcome, folds: Sequence[int] = (0, 1)) -> str:
    return NAMES[int(policy(item, folds).argmax())]


class TestFederations:
    def test_the_list_is_the_same_every_time_and_no_name_stands_twice(self) -> None:
        found = federations.federations()
        assert found == federations.federations()
        assert len({item.name for item in found}) == len(found)
        assert 250 <= len(found) <= 400

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
    """On phantoms, for real images may be absent."""

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


class TestCrossFitting:
    @pytest.mark.parametrize("splits", [scores.halves, scores.one_out])
    def test_no_policy_is_asked_with_the_fold_it_is_scored_on(self, splits: object) -> None:
        """A strategy that is perfect in one fold and useless elsewhere must not be taken where that fold is scored."""
        item = outcome({})
        item.scores[:, 1, 3] = 1.0
        item.scores[:, 1, [0, 1, 2, 4]] = 0.5
        weights = scores.cross_fitted(policies.CHOSEN_BY_SCORES["rehearsal: best"], item, splits)  # type: ignore[arg-type]
        assert weights[3, 1] == 0

    def test_every_fold_counts_alike(self) -> None:
        item = outcome({}, noise=0.05)
        weights = scores.cross_fitted(policies.always("local"), item)
        np.testing.assert_allclose(weights, np.eye(len(NAMES))[[1] * 5])
        assert scores.judge(item, weights).score == pytest.approx(item.scores[:, 1].mean())

    def test_among_strategies_that_are_alike_nothing_is_gained_by_choosing(self) -> None:
        best = policies.CHOSEN_BY_SCORES["rehearsal: best"]
        gains = [
            scores.judge(item, scores.cross_fitted(best, item)).gain.mean()
            for item in (outcome({}, noise=0.05, seed=seed) for seed in range(60))
        ]
        assert abs(np.mean(gains)) < 0.003
        flattered = [outcome({}, noise=0.05, seed=seed).scores.mean(axis=(0, 2)).max() - 0.8 for seed in range(60)]
        assert np.mean(flattered) > 0.008

    def test_the_oracle_has_no_regret_and_finds_what_gains(self) -> None:
        item = outcome({"shrinkage": 0.03, "local": -0.02})
        weights = scores.oracle_weights(item, policies.CHOSEN_BY_SCORES["rehearsal: best"])
        assert scores.judge(item, weights).score == pytest.approx(0.83)
        fixed = scores.judge(item, scores.cross_fitted(policies.always("shrinkage"), item))
        assert fixed.score == pytest.approx(0.83)


class TestCells:
    def test_what_is_written_says_what_the_rehearsal_said(self, tmp_path: Path) -> None:
        """Means and errors over all folds, read back, are those of the site's own scores."""
        rng = np.random.default_rng(0)
        tables = {site: {"plain": self._table(rng, 60)} for site in ("a", "b")}
        methods = ("fedavg", "fedprox", "balanced", "local", "lp_ft", "shrinkage")
        said = rehearse_in_memory(tables, [Rehearsed(None, method) for method in methods], 2)
        written = {
            "name": "x",
            "strategies": [{"name": method} for method in methods],
            "sites": {"a": {}, "b": {}},
            "scores": {site: cells.scores_of(found) for site, found in said.items()},
            "spread": {site: cells.spread_of(found) for site, found in said.items()},
            "ratio": dict.fromkeys(said, 12 / 40),
        }
        (tmp_path / "cells").mkdir()
        (tmp_path / "cells" / "x.json").write_text(json.dumps(written))
        (item,) = read_outcomes(tmp_path)
        found = item.on_folds(range(5))
        for place, name in enumerate(methods):
            assert found.means[place] == pytest.approx(np.mean([each.means[name] for each in said.values()]), abs=1e-3)
        for place, name in enumerate(methods[1:], 1):
            variance = sum(float(each.spread.of(name).covariance[0, 0]) for each in said.values()) / 4
            assert found.errors[place] == pytest.approx(np.sqrt(variance), rel=0.02)

    @staticmethod
    def _table(rng: np.random.Generator, count: int) -> HeadTable:
        truth = np.arange(count) % 2
        features = (rng.normal(0, 1, (count, 6)) + truth[:, None]).astype(np.float32)
        place = rng.permutation(count)
        test = np.array([place % 5 == fold for fold in range(5)])
        val = np.array([(place % 5 == (fold + 1) % 5) & (place % 3 == 0) for fold in range(5)])
        rows = FeatureRows(torch.from_numpy(features), torch.from_numpy(truth.astype(np.int64)))
        names = np.array([f"p{number}" for number in range(count)])
        return HeadTable(None, tuple(range(5)), rows, names, ~test & ~val, val, test)


class TestPolicies:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        list(
            zip(
                KINDS,
                ("fedavg", "quantile_map", "local", "fedavg", "fedavg", "quantile_map+local", "quantile_map"),
                strict=True,
            )
        ),
    )
    def test_the_rule_of_the_study(self, kind: str, expected: str) -> None:
        assert taken(policies.by_study(), outcome({}, kind=kind)) == expected

    def test_a_natural_group_has_the_kind_that_the_study_gives_it(self) -> None:
        assert taken(policies.by_study(), outcome({}, kind="natural", study="structure")) == "local"

    @pytest.mark.parametrize(
        ("harmonizer", "personalizer", "expected"),
        [
            (None, None, "fedavg"),
            ("quantile_map", None, "quantile_map"),
            (None, "fedper", "local"),
            ("quantile_map", "fedper", "quantile_map+local"),
        ],
    )
    def test_advice_is_taken_as_what_it_comes_to(
        self, harmonizer: str | None, personalizer: str | None, expected: str
    ) -> None:
        assert taken(policies.by_advice, outcome({}, harmonizer=harmonizer, personalizer=personalizer)) == expected

    def test_advice_that_was_not_rehearsed_is_an_error(self) -> None:
        with pytest.raises(KeyError, match="nyul was not rehearsed"):
            policies.by_advice(outcome({}, harmonizer="nyul"), (0, 1))

    def test_a_large_gain_is_taken_by_all_and_a_small_one_by_who_asks_for_no_proof(self) -> None:
        chosen = policies.CHOSEN_BY_SCORES
        large, small = (outcome({"local": gain}, noise=0.02, seed=3) for gain in (0.1, 0.004))
        assert {taken(policy, large) for policy in chosen.values()} == {"local"}
        assert taken(chosen["rehearsal: best beyond its interval"], small) == "fedavg"
        assert taken(chosen["rehearsal: shrunken"], small) == "fedavg"

    def test_what_is_tried_for_the_advice_alone_is_nobody_elses_choice(self) -> None:
        item = outcome({"quantile_map": 0.2}, harmonizer="quantile_map")
        item.about["swept"] = []
        assert taken(policies.CHOSEN_BY_SCORES["rehearsal: best"], item) == "fedavg"
        assert taken(policies.by_advice, item) == "quantile_map"


class TestHarm:
    def test_losses_are_counted_site_by_site_and_shown_where_they_are_sure(self) -> None:
        item = outcome({}, noise=0.004)
        item.scores[0, 1] -= 0.1
        found = scores.judge(item, scores.cross_fitted(policies.always("local"), item))
        assert found.harmed.tolist() == [True, False, False]
        assert found.surely_harmed.tolist() == [True, False, False]
        noisy = outcome({"local": -0.012}, noise=0.08, seed=1)
        assert not scores.judge(noisy, scores.cross_fitted(policies.always("local"), noisy)).surely_harmed.any()

    def test_who_does_worse_than_alone(self) -> None:
        item = outcome({"local": 0.05})
        found = scores.judge(item, scores.cross_fitted(policies.always("fedavg"), item))
        assert found.worse_than_alone.all()
        assert not scores.judge(item, scores.cross_fitted(policies.always("local"), item)).worse_than_alone.any()


class TestOverFamilies:
    def test_a_family_counts_once_however_many_federations_it_has(self) -> None:
        found = scores.over_families([1.0] * 50 + [0.0], ["large"] * 50 + ["small"])
        assert found.mean == pytest.approx(0.5)
        assert (found.low, found.high) == (0, 1)

    def test_the_interval_is_as_wide_as_families_differ_not_as_federations_do(self) -> None:
        rng = np.random.default_rng(0)
        families = [f"f{number}" for number in range(8) for _ in range(40)]
        values = np.repeat(rng.normal(0, 1, 8), 40) + rng.normal(0, 0.1, 320)
        found = scores.over_families(values.tolist(), families)
        assert found.high - found.low > 0.7

    @pytest.mark.parametrize(("count", "expected"), [(7, False), (8, True)])
    def test_no_claim_from_fewer_than_eight_families(self, count: int, expected: bool) -> None:
        found = scores.over_families([0.1] * count, [f"f{number}" for number in range(count)])
        assert found.off_zero is expected

    def test_no_family_chooses_for_itself(self) -> None:
        family_of = {"x": "one", "y": "two", "z": "three"}
        candidates = {"loud": {"x": 1.0, "y": 0.5, "z": 0.5}, "steady": {"x": 0.6, "y": 0.6, "z": 0.6}}
        chosen = scores.chosen_elsewhere(candidates, family_of)
        assert chosen == {"one": "steady", "two": "loud", "three": "loud"}
