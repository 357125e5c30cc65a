"""Sites that keep scores of few patients: what leaves them, and what the coordinator makes of it and says."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from enrolled_sites import enrolled
from gated_jobs import order_of, through_gates
from recorded_runs import Recorded, apart, arms_for, go_on, job_for
from rich.console import Console
from small_hospitals import segmented
from small_policies import permissive
from small_rehearsals import Clinic, clinics_of, plan_of, rehearsed_on, weights_at

from shiftscope.disclosure.field_rules import suppressed_by
from shiftscope.disclosure.policies.policy_texts import policy_text
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release
from shiftscope.errors import PlanError
from shiftscope.federations.enrolment_documents.signed_documents import moment
from shiftscope.federations.signed_orders import sign_order
from shiftscope.plans import RunResult, Split
from shiftscope.reports.formats.table import print_table
from shiftscope.reports.sheets.result_sheet import result_sheet
from shiftscope.training.algorithms.families import CONTROLS
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.federation.starting_models import initial_tensors
from shiftscope.training.joined_sites.ordered_sites import AskedQuestion, OrderedSite
from shiftscope.training.joined_sites.site_computing import SiteComputing
from shiftscope.training.models import networks
from shiftscope.training.trials.halving import cut

SETTLES = "fewer folds, a larger part to test or to validate on, more patients"
SCORES = {"dice", "surface_px"}


def text_of(result: RunResult) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_table(result_sheet(result, verbose=True), console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def notes_of(result: RunResult, site: str) -> list[str]:
    return [note for note in result.notes if note.startswith(f"site {site}: its policy keeps ")]


@dataclass
class Federated:
    """Three sites of which one has few patients for the policy, and one few to validate on."""

    run: Recorded
    parts: dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Federated:
    root = tmp_path_factory.mktemp("few")
    data = segmented(root / "data", {"all": 1.0, "none": 0.6, "unchosen": 1.4}, size=16)
    plan = apart(data, rounds=1, split=Split(train=0.4, val=0.2, test=0.4))
    job = job_for(plan, data, root / "run", arms_for(plan, ["fedavg", "fedbn"], gated=True))
    parts = {site: Participant(job, site).describe()["patients"] for site in job.sites}
    assert parts["unchosen"]["val"] < parts["unchosen"]["test"]
    limits = {
        "all": min(parts["all"]["val"], parts["all"]["test"]),
        "none": max(parts["none"]["val"], parts["none"]["test"]) + 1,
        "unchosen": parts["unchosen"]["test"],
    }
    with through_gates(root / "logs", {site: permissive(min_scored=limit) for site, limit in limits.items()}):
        return Federated(go_on(job), parts)


def test_a_site_with_enough_patients_says_all(tested: Federated) -> None:
    found = tested.run.result.sites["all"]
    assert found.kept == ()
    assert None not in (*found.scores["fedbn"], *found.ungated["fedbn"], *found.validation["fedbn"])


def test_a_site_with_few_says_no_score_and_how_to_settle_it(tested: Federated) -> None:
    result = tested.run.result
    found = result.sites["none"]
    assert {*found.kept} == {*SCORES, "choice", "spread"}
    assert {*found.scores["fedbn"], *found.ungated["fedbn"], *found.validation["fedbn"]} == {None}
    assert (found.answer, found.difference.mean) == ("undecided", None)
    assert found.patients == tested.parts["none"], "the policy allows counts"
    (note,) = notes_of(result, "none")
    assert "too few patients for its policy (min_scored) stand behind choice, dice, surface_px" in note
    assert SETTLES in note
    assert "'none' keeps choice, dice, spread, surface_px at the site" in text_of(result)


def test_few_validation_patients_choose_no_model_and_test_scores_leave(tested: Federated) -> None:
    found = tested.run.result.sites["unchosen"]
    assert {*found.kept} == {"validation", "choice"}
    assert {*found.validation["fedavg"], *found.validation["fedbn"]} == {None}
    assert found.scores["fedbn"] == found.ungated["fedbn"]
    assert None not in found.scores["fedbn"]
    assert found.kept_baseline == {"fedbn": (False,)}
    assert "too few validation patients choose no model there" in notes_of(tested.run.result, "unchosen")[0]


def test_a_site_that_tells_no_dice_tells_no_choice_and_the_run_goes_on(tmp_path: Path) -> None:
    data = segmented(tmp_path / "data", {"open": 1.0, "silent": 0.7}, size=16)
    plan = apart(data, rounds=1, local_steps=1)
    job = job_for(plan, data, tmp_path / "run", arms_for(plan, ["fedavg", "fedbn"], gated=True))
    policies = {"open": permissive(), "silent": permissive(metrics=("surface_px", "loss"))}
    with through_gates(tmp_path / "logs", policies):
        result = go_on(job).result
    silent = result.sites["silent"]
    assert {*silent.kept} == {*SCORES, "choice", "spread"}
    assert silent.kept_baseline == {"fedbn": (False,)}
    (note,) = notes_of(result, "silent")
    assert "which model it uses of a strategy that it may give up for the baseline's is not known here" in note
    assert "too few" not in note
    assert result.sites["open"].kept == ()


def test_the_mean_is_that_of_the_sites_that_tell(tested: Federated) -> None:
    result = tested.run.result
    fedbn = [result.sites[site].scores["fedbn"][0] for site in ("all", "unchosen")]
    assert result.arms["fedbn"].mean == pytest.approx(np.mean(fedbn))  # type: ignore[arg-type]
    assert RunResult.read(tested.run.job.result_path) == result


def test_no_count_is_in_a_message(tested: Federated) -> None:
    said = [answer.facts for site, kind, _, answer in tested.run.log if site == "none" and kind == "evaluate"]
    assert said
    for facts in said:
        assert facts.keys() == {
            "cases", "scores", "ungated", "validation", "kept_baseline", "spent", "suppressed",
        }  # fmt: skip
        for kind in ("scores", "ungated", "validation"):
            assert {*map(suppressed_by, facts[kind].values())} == {"min_scored"}


def test_folds_of_few_say_nothing_and_fewer_folds_do(tmp_path: Path) -> None:
    """A plan that cuts a site into as many folds as it can asks for the score of a patient or two."""
    data = segmented(tmp_path / "data", {"a": 1.0, "b": 0.7}, cases=16, size=16)
    means = []
    for folds in (2, 8):
        plan = apart(data, rounds=1, local_steps=1, folds=folds, seeds=tuple(range(folds)))
        job = job_for(plan, data, tmp_path / f"run{folds}", arms_for(plan, ["fedavg", "local"]))
        with through_gates(tmp_path / f"logs{folds}", dict.fromkeys("ab", permissive(min_scored=4))):
            result = go_on(job).result
        means.append(result.arms["local"].difference.mean)
        assert [({"dice", "spread"} <= {*result.sites[site].kept}) for site in "ab"] == [folds == 8] * 2
        assert all(SETTLES in notes_of(result, site)[0] for site in "ab"), "of one or two validation patients"
        assert "(min_scored)" in text_of(result)
    assert means[0] is not None
    assert means[1] is None


def test_a_fold_of_few_keeps_its_own_scores_and_leaves_the_others(tmp_path: Path) -> None:
    """Sixteen patients in three folds: one tests six of them, the others five."""
    data = segmented(tmp_path / "data", {"a": 1.0, "b": 0.7}, cases=16, size=16)
    plan = apart(data, rounds=1, local_steps=1, folds=3, seeds=(0, 1, 2))
    job = job_for(plan, data, tmp_path / "run", arms_for(plan, ["fedavg", "local"]))
    with through_gates(tmp_path / "logs", {"a": permissive(), "b": permissive(min_scored=6)}):
        run = go_on(job)
    (spread,) = [said for site, kind, _, said in run.log if (site, kind) == ("b", "query.compare")]
    covariance = spread.tensors["covariance"]
    known = np.isfinite(np.einsum("isis->s", covariance))
    scores = run.result.sites["b"].scores["local"]
    assert [value is not None for value in scores] == known.tolist()
    assert known.sum() == 1
    assert spread.facts["freedom"] == 5
    (seed,) = np.flatnonzero(known)
    assert np.isnan(np.delete(covariance, seed, axis=1)).all()
    assert "spread" not in run.result.sites["b"].kept
    (honest,) = [said for site, kind, _, said in run.log if (site, kind) == ("a", "query.compare")]
    assert np.isfinite(honest.tensors["covariance"]).all()


def test_a_trial_that_has_nothing_to_select_by_says_what_settles_it(tested: Federated) -> None:
    result = tested.run.result
    with pytest.raises(
        PlanError, match=r"kept by their policies at 2 of 3 sites \(none, unchosen\).*enlarge split\.val"
    ):
        cut(result, 0.5)


CLINICS = {"a": Clinic(18, 18), "b": Clinic(18, 18, gamma=1.4), "c": Clinic(18, 18)}


@pytest.mark.slow
def test_a_rehearsal_leaves_out_who_keeps_scores_of_few_and_says_what_settles_it(tmp_path: Path) -> None:
    """Four patients of a class are tested in the smallest fold, fewer validate: a site asks for four, one for more."""
    data = clinics_of(tmp_path / "data", CLINICS)
    plan = plan_of(data, weights_at(tmp_path), split=Split(train=0.6, val=0.2, test=0.2))
    policies = {"a": permissive(), "b": permissive(min_scored=4), "c": permissive(min_scored=5)}
    with through_gates(tmp_path / "logs", policies):
        result = rehearsed_on(plan, data, tmp_path / "run", folds=4).result
    assert "too few patients for its policy (min_scored) stand behind them" in result.sites["c"].withheld
    assert result.strategies[0].sites.keys() == {"a", "b"}
    scored = result.strategies[0].sites
    assert scored["a"].validation is not None
    assert scored["b"].score is not None
    assert scored["b"].validation is None
    (note,) = [note for note in result.notes if note.startswith("site b: its policy keeps ")]
    assert "what its validation patients say at the site: scores; too few patients for its policy (min_scored)" in note
    assert SETTLES in note


class Here:
    """Computes in this process, as a warm process does in another."""

    pid = 1

    def __init__(self, computing: SiteComputing) -> None:
        self._computing = computing

    def ask(self, method: str, *arguments: Any, seconds: float) -> Any:  # noqa: ARG002 - nobody waits here
        return getattr(self._computing, method)(*arguments)


@pytest.fixture
def ordered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[OrderedSite, AskedQuestion, Path]:
    """A joined site with real images, asked to judge a model that was never trained."""
    monkeypatch.setattr(networks, "CHANNELS", (4, 8))
    data = segmented(tmp_path / "data", {"ashford": 1.0}, size=16)
    plan = apart(data, rounds=1)
    job = job_for(plan, data, tmp_path / "run", arms_for(plan, ["fedavg"]))
    now = datetime.now(UTC)
    made = enrolled(tmp_path, now=now)
    order = order_of(job, "train").model_copy(
        update={
            "federation": "lung",
            "created": moment(now),
            "expires": moment(now + timedelta(hours=1)),
        }
    )
    signed = sign_order(order, made.coordinator.signing_key()).to_bytes()
    tensors = initial_tensors(job, CONTROLS["fedavg"], 0)
    asked = Payload(tensors=tensors, facts={"arm": "fedavg", "seed": 0, "accepted": 0})
    computing = SiteComputing("ashford", data["ashford"], made.site.path / "runs", "cpu", pytest.fail)
    site = OrderedSite(made.site, Here(computing), pytest.fail)  # type: ignore[arg-type]
    return site, AskedQuestion("evaluate", "1", signed, lambda: asked), made.site.policy


def answered(site: OrderedSite, asked: AskedQuestion, policy: Path, allowed: SitePolicy) -> dict[str, Any]:
    policy.write_text(policy_text(allowed), encoding="utf-8")
    found = site.answer(asked)
    assert isinstance(found, Release)
    return dict(found.facts)


def test_a_joined_site_keeps_the_scores_of_five_under_a_limit_of_six(
    ordered: tuple[OrderedSite, AskedQuestion, Path],
) -> None:
    """Five test and seven validation patients; a policy that is changed counts at once."""
    site, asked, policy = ordered
    few = answered(site, asked, policy, permissive(min_scored=6, counts=()))
    assert {suppressed_by(value) for value in few["scores"].values()} == {"min_scored"}
    assert isinstance(few["validation"]["dice"], float)
    assert suppressed_by(few["cases"]) == "counts"
    whole = answered(site, asked, policy, permissive(min_scored=5))
    assert isinstance(whole["scores"]["dice"], float)
    assert whole["validation"] == few["validation"]
    rows = ReleaseLog(policy.parent / "releases").rows()
    assert rows[0]["suppressed"]["scores.dice"] == "min_scored"
    assert "scores.dice" not in rows[1]["suppressed"]
