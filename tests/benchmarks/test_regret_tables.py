"""From what a rehearsal says to the tables of the benchmark."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import aslib_files
import cells
import federations
import numpy as np
import pages
import pytest
import summaries
import table
import torch
from early_rounds import EARLY
from made_up_outcomes import NAMES, inputs_of, outcome
from outcomes import Outcome, read_outcomes
from policies_of_advice import policy

from shiftscope.training.rehearsals.head_tables import HeadTable
from shiftscope.training.rehearsals.linear_heads import BUDGET, FeatureRows
from shiftscope.training.rehearsals.rehearsals_in_memory import rehearse_in_memory
from shiftscope.training.rehearsals.rehearsed_strategies import Rehearsed


class TestCells:
    def test_what_is_written_says_what_the_rehearsal_said(self, tmp_path: Path) -> None:
        """Means and errors over all folds, read back, are those of the site's own scores."""
        rng = np.random.default_rng(0)
        tables = {site: {"plain": self._table(rng, 60)} for site in ("a", "b")}
        methods = ("fedavg", "fedprox", "balanced", "local", "lp_ft", "shrinkage")
        strategies = [Rehearsed(None, method) for method in methods]
        said = rehearse_in_memory(tables, strategies, 2)
        early = rehearse_in_memory(tables, strategies, 2, replace(BUDGET, rounds=EARLY[0]))
        written = {
            "name": "x",
            "strategies": [{"name": method} for method in methods],
            "sites": {"a": {}, "b": {}},
            "scores": {site: cells.scores_of(found) for site, found in said.items()},
            "early": {rounds: {site: cells.scores_of(found) for site, found in early.items()} for rounds in EARLY},
            "spread": {site: cells.spread_of(found) for site, found in said.items()},
            "ratio": dict.fromkeys(said, 12 / 40),
        }
        (tmp_path / "cells").mkdir()
        (tmp_path / "cells" / "x.json").write_text(json.dumps(written))
        (item,) = read_outcomes(tmp_path)
        found = item.on_folds(range(5))
        assert item.early[EARLY[0]][0, 0].mean() == pytest.approx(early["a"].means["fedavg"], abs=1e-3)
        assert not np.allclose(item.early[EARLY[0]], item.scores)
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


class TestPages:
    @pytest.fixture
    def summary(self, monkeypatch: pytest.MonkeyPatch) -> summaries.Summary:
        """Eight families in which an own model gains, three of each, and nothing else differs."""
        monkeypatch.setattr(summaries, "_HARMONIZERS", ("quantile_map",))
        monkeypatch.setattr(summaries, "_PERSONALIZERS", ("local",))
        return summaries.summarise(
            [
                outcome({"local": 0.05}, 0.005, 8 * copy + number, ("none", "structure")[copy % 2], f"family {number}")
                for number in range(8)
                for copy in range(3)
            ]
        )

    def test_who_gains_is_found_and_the_oracle_has_no_regret(self, summary: summaries.Summary) -> None:
        assert summary.rows[summaries.ORACLE].regret.mean == 0
        assert set(summary.chosen.values()) == {"local"}
        shrunken = summary.rows["rehearsal: shrunken"]
        assert shrunken.gain.off_zero
        assert shrunken.gain.mean == pytest.approx(0.05, abs=0.005)
        assert summary.rows["fedavg"].regret.mean == pytest.approx(0.05, abs=0.005)
        assert summary.difference("study's rule", "fedavg", ["structure"]).mean == pytest.approx(0.05, abs=0.005)
        assert summary.difference("study's rule", "fedavg", ["none"]).mean == 0

    def test_the_gap_is_closed_by_shares_of_what_the_single_best_leaves(self, summary: summaries.Summary) -> None:
        single = summary.rows[summaries.SINGLE_BEST]
        assert not single.regret.off_zero
        assert {row.closed for row in summary.rows.values()} == {None}

    def test_the_page_names_every_policy(self, summary: summaries.Summary) -> None:
        page = pages.results_page(summary)
        for name in summary.rows:
            assert f"| {name} |" in page
        assert "no claim" not in page

    def test_seven_families_make_no_claim(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(summaries, "_HARMONIZERS", ("quantile_map",))
        monkeypatch.setattr(summaries, "_PERSONALIZERS", ("local",))
        few = [outcome({"local": 0.05}, 0.005, number, family=f"family {number}") for number in range(7)]
        page = pages.results_page(summaries.summarise(few))
        assert "no claim is made" in page
        assert "off 0**" not in page


class TestTasks:
    """Scores of classes and of outlines stand apart."""

    @pytest.fixture
    def outlined(self) -> list[Outcome]:
        return [
            outcome({"local": 0.05}, 0.005, number, family=f"family {number % 6}", task="segmentation")
            for number in range(12)
        ]

    def test_they_are_never_averaged(self, outlined: list[Outcome]) -> None:
        with pytest.raises(ValueError, match="federations of classification, segmentation: expected one task"):
            summaries.summarise([*outlined, outcome({})])

    def test_the_page_of_outlines_says_dice_and_names_no_policy_of_fewer_rounds(self, outlined: list[Outcome]) -> None:
        summary = summaries.summarise(outlined)
        page = pages.results_page(summary)
        assert "| policy | Dice |" in page
        assert "no claim is made" in page
        assert not any(phrase in page for phrase in ("AUROC", "trial of two rounds", "successive halving"))
        assert summary.rows["rehearsal: shrunken"].gain.mean == pytest.approx(0.05, abs=0.005)

    def test_harmonizers_that_a_task_does_not_have_are_no_members_of_the_rule(self, outlined: list[Outcome]) -> None:
        assert "combat" in summaries._HARMONIZERS
        assert summaries.STUDY_BEST in summaries.summarise(outlined).rows

    def test_each_has_a_folder_and_a_scenario_of_its_own(
        self, outlined: list[Outcome], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for item, known in zip(outlined, reversed(federations.federations()), strict=False):
            item.about["name"] = known.name
        classes = [outcome({}, family=family) for family in ("one", "another")]
        for item, known in zip(classes, federations.federations(), strict=False):
            item.about["name"] = known.name
        monkeypatch.setattr(table, "read_outcomes", lambda _: [*outlined, *classes])
        monkeypatch.setattr(table, "draw", lambda *_: None)
        inputs = inputs_of([*outlined, *classes])
        monkeypatch.setattr(table, "inputs_of_cells", lambda *_: inputs)
        monkeypatch.setattr(table, "read_rows", lambda _: [])
        fits = {item.family: policy() for item in (*outlined, *classes)}
        monkeypatch.setattr(table, "without_each_family", lambda _: fits)
        monkeypatch.setattr("sys.argv", ["table.py", str(tmp_path), "--results", str(tmp_path / "regret")])
        table.main()
        for folder, count, metric in (("regret", 2, "auroc"), ("regret-outlines", 12, "dice")):
            with (tmp_path / folder / "instances.csv").open(encoding="utf-8") as file:
                assert len(list(csv.DictReader(file))) == count
            described = (tmp_path / folder / "description.txt").read_text(encoding="utf-8")
            assert f"scenario_id: shiftscope-{folder.replace('regret', 'regret-frozen')}" in described
            assert f"performance_measures: [{metric}]" in described
            assert (tmp_path / folder / "results.md").exists()

    def test_a_head_of_outlines_weighs_the_channels_of_all_maps(self, outlined: list[Outcome], tmp_path: Path) -> None:
        outlined[0].about["name"] = federations.federations()[-1].name
        aslib_files.write_aslib(outlined[:1], inputs_of(outlined[:1]), tmp_path)
        with (tmp_path / "cost.csv").open(encoding="utf-8") as file:
            costs = {row["algorithm"]: int(row["bytes"]) for row in csv.DictReader(file)}
        channels = 24 + 40 + 112 + 320
        assert costs["fedavg"] == 2 * 4 * 2 * (channels + 1) * BUDGET.rounds * 3
        header = (tmp_path / "features.csv").read_text(encoding="utf-8").splitlines()[0]
        assert "annotation_probability" in header
        assert "label_probability" not in header


def test_the_tables_in_aslibs_form_fit_together(tmp_path: Path) -> None:
    item = outcome({"local": 0.05}, 0.005, harmonizer="quantile_map")
    item.about["name"] = federations.federations()[5].name
    aslib_files.write_aslib([item], inputs_of([item]), tmp_path)
    text = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.csv")}
    found = {name: list(csv.DictReader(lines.splitlines())) for name, lines in text.items()}
    assert set(found) == {"instances", "features", "inputs", "algorithms", "performance", "cost"}
    assert {row["instance"] for rows in found.values() for row in rows if "instance" in row} == {"f005"}
    algorithms = {row["algorithm"] for row in found["algorithms"]}
    assert algorithms == set(NAMES)
    assert {row["algorithm"] for row in found["performance"]} == algorithms
    assert len(found["performance"]) == 3 * len(NAMES)
    (said,) = found["inputs"]
    assert (said["harmonizer"], float(said["removed"]), int(said["smallest"])) == ("quantile_map", 1.5, 60)
    local = next(row for row in found["cost"] if row["algorithm"] == "local")
    assert int(local["bytes"]) == 0
