"""Answers that pass a real gate whose policy keeps some of them at the site: there is a result, and it says so."""

import io
from pathlib import Path

import numpy as np
import pytest
from gated_jobs import gates
from recorded_runs import Recorded
from replayed_runs import Replayed, honest_run
from rich.console import Console
from small_policies import permissive
from small_rehearsals import Clinic, Forge, clinics_of, plan_of, rehearsed_on, weights_at

from shiftscope.disclosure.policies.site_policy import COUNTS, METRICS, SitePolicy
from shiftscope.disclosure.releases.released_messages import Release
from shiftscope.errors import EngineError
from shiftscope.plans import RehearsalResult, RunResult
from shiftscope.reports.formats.table import print_table
from shiftscope.reports.sheet import Sheet
from shiftscope.reports.sheets.rehearsal_sheet import rehearsal_sheet
from shiftscope.reports.sheets.result_sheet import result_sheet
from shiftscope.training.algorithms.aggregation import Update, planned_cases, weighted_mean
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import load_checkpoint

KEEPER, OTHERS = "c", "abd"


def without(key: str, *names: str) -> SitePolicy:
    """All is allowed but these."""
    families = {"metrics": METRICS, "counts": COUNTS}[key]
    return permissive(**{key: tuple(name for name in families if name not in names)})


POLICIES = {
    "cases": (without("counts", "cases"), {"cases"}),
    "patients": (without("counts", "patients"), {"patients", "spread"}),
    "left_out": (without("counts", "left_out"), {"left_out"}),
    "loss": (without("metrics", "loss"), {"loss"}),
    "dice": (without("metrics", "dice"), {"dice", "spread"}),
    "surface": (without("metrics", "surface_px"), {"surface_px"}),
    "change": (without("metrics", "change"), {"change"}),
    "signal": (without("metrics", "signal"), {"signal"}),
    "counts": (permissive(counts=()), {"patients", "left_out", "cases", "spread"}),
    "metrics": (permissive(metrics=()), {"loss", "dice", "surface_px", "change", "signal", "spread"}),
    "everything": (
        permissive(metrics=(), counts=()),
        {"patients", "left_out", "cases", "loss", "dice", "surface_px", "change", "signal", "spread"},
    ),
}
"""What is kept -> the policy, and what the result calls that."""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    return honest_run(tmp_path_factory.mktemp("honest"))


def gated(replayed: Replayed, out: Path, policy: SitePolicy, who: str) -> Recorded:
    """The same run with every site behind a gate of its own, and this policy at some of them."""
    job = replayed.recorded.job
    strict, open_ = (gates(job, "train", out / "logs", each) for each in (policy, permissive()))
    gate = {site: (strict if site in who else open_)(site) for site in job.sites}

    def passing(site: str, question: str, asked: Payload, answer: Payload) -> Payload | str:
        outcome = gate[site].answer(question, lambda: asked, lambda _: answer)
        return Payload(**vars_of(outcome)) if isinstance(outcome, Release) else outcome.reason

    return replayed.again(out / "run", passing)


def vars_of(release: Release) -> dict[str, object]:
    return {"tensors": release.tensors, "statistics": release.statistics, "facts": release.facts}


def text_of(sheet: Sheet) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_table(sheet, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_gates_that_keep_nothing_change_nothing(replayed: Replayed, tmp_path: Path) -> None:
    result = gated(replayed, tmp_path, permissive(), "abcd").result
    assert result.sites == replayed.recorded.result.sites
    assert "policies" not in text_of(result_sheet(result))


@pytest.mark.parametrize("family", POLICIES)
def test_what_one_site_keeps_is_said_and_the_others_stay_as_they_were(
    family: str, replayed: Replayed, tmp_path: Path
) -> None:
    policy, kept = POLICIES[family]
    honest = replayed.recorded.result
    result = gated(replayed, tmp_path, policy, KEEPER).result
    assert RunResult.read(tmp_path / "run" / "result.json") == result
    assert {*result.sites[KEEPER].kept} == kept
    assert {reply for entry in result.rounds for reply in entry.replies.values()} == {"ok"}
    (note,) = [note for note in result.notes if note.startswith(f"site {KEEPER}: its policy keeps ")]
    assert all(name in note for name in kept)
    assert not [note for note in result.notes if "undefined or missing" in note]
    assert "'c' keeps " in text_of(result_sheet(result))
    assert "'c' keeps " in text_of(result_sheet(result, verbose=True))
    for site in OTHERS:
        assert result.sites[site].kept == ()
        assert result.sites[site].difference == honest.sites[site].difference
    known = OTHERS + KEEPER * ("spread" not in kept)
    means = [honest.sites[site].difference.mean for site in known]
    assert result.difference.mean == pytest.approx(np.mean(means))


@pytest.mark.parametrize("family", POLICIES)
def test_what_all_sites_keep_leaves_a_result(family: str, replayed: Replayed, tmp_path: Path) -> None:
    policy, kept = POLICIES[family]
    result = gated(replayed, tmp_path, policy, "abcd").result
    assert all({*result.sites[site].kept} == kept for site in "abcd")
    assert (result.difference.mean is None) == ("spread" in kept)
    assert result.verdict == "undecided" or "spread" not in kept
    assert text_of(result_sheet(result, verbose=True))
    if "loss" in kept:
        assert {entry.loss for entry in result.rounds} == {None}


def test_kept_cases_weigh_what_the_plan_expects(replayed: Replayed, tmp_path: Path) -> None:
    run = gated(replayed, tmp_path, POLICIES["cases"][0], KEEPER)
    plan = run.job.plan
    updates = [
        Update(
            site,
            answer.tensors,
            round(planned_cases(plan, site)) if site == KEEPER else answer.facts["cases"],
            None,
        )
        for site, _, answer in replayed.recorded.messages("fedavg", "train")
    ]
    state = load_checkpoint(run.job.checkpoint("fedavg", 0))
    assert state is not None
    expected = weighted_mean(updates)
    assert all((state.shared[name] == tensor).all() for name, tensor in expected.items())
    assert "kept" in text_of(result_sheet(run.result))


def test_a_kept_loss_is_not_in_the_mean(replayed: Replayed, tmp_path: Path) -> None:
    result = gated(replayed, tmp_path, POLICIES["loss"][0], KEEPER).result
    known = [answer.facts for site, _, answer in replayed.recorded.messages("fedavg", "train") if site in OTHERS]
    mean = np.average([facts["loss"] for facts in known], weights=[facts["cases"] for facts in known])
    assert result.rounds[0].loss == pytest.approx(mean)


def test_kept_scores_are_unknown_and_not_zero(replayed: Replayed, tmp_path: Path) -> None:
    result = gated(replayed, tmp_path, POLICIES["dice"][0], KEEPER).result
    scores = result.sites[KEEPER]
    assert scores.scores["fedavg"] == scores.validation["fedavg"] == (None,)
    assert scores.also["surface_px"]["fedavg"][0] is not None
    assert (scores.answer, scores.difference.mean) == ("undecided", None)
    assert KEEPER not in {worst.site for worst in result.worst.values()}
    means = [result.sites[site].scores["fedavg"][0] for site in OTHERS]
    assert result.arms["fedavg"].mean == pytest.approx(np.mean(means))  # type: ignore[arg-type]


CLINICS = {"a": Clinic(), "b": Clinic(gamma=1.4), "c": Clinic()}


def rehearsed(root: Path, policies: dict[str, SitePolicy], harmonizers: tuple[str, ...] = ()) -> RehearsalResult:
    """A rehearsal in which these sites answer through a gate."""
    data = clinics_of(root / "data", CLINICS)
    plan = plan_of(data, weights_at(root))
    forge: dict[tuple[str, str], Forge] = {}
    gate: dict[str, object] = {}

    def passing(site: str, question: str) -> Forge:
        def answered(asked: Payload, answer: Payload) -> Payload | None:
            if site not in gate:
                job = Job.read(root / "run" / "job.json", EngineError)
                gate[site] = gates(job, "rehearse", root / "logs", policies[site])(site)
            outcome = gate[site].answer(question, lambda: asked, lambda _: answer)  # type: ignore[attr-defined]
            return Payload(**vars_of(outcome)) if isinstance(outcome, Release) else None

        return answered

    for site in policies:
        for question in QUESTIONS:
            forge[site, question] = passing(site, question)
    return rehearsed_on(plan, data, root / "run", harmonizers, forge).result


QUESTIONS = ("query.describe", "query.shares", "query.features", "train.heads", "query.weights", "evaluate.heads")


@pytest.mark.slow
def test_a_rehearsal_goes_on_without_the_counts_of_a_site(tmp_path: Path) -> None:
    """Degrees of freedom are a count of patients: without them its scores cannot be judged."""
    result = rehearsed(tmp_path, {"c": without("counts", "cases", "labels")})
    assert result.sites["c"].kept == ("cases", "labels")
    assert result.sites["c"].withheld == ""
    assert result.strategies[0].sites.keys() == {"a", "b", "c"}
    assert "balanced" in {each.name for each in result.strategies}
    assert any("site c: its policy keeps cases, labels at the site; its heads weigh" in note for note in result.notes)
    assert "'c' keeps cases, labels at the site" in text_of(rehearsal_sheet(result, verbose=True))


@pytest.mark.slow
@pytest.mark.parametrize("policy", [permissive(counts=()), permissive(metrics=())], ids=["counts", "metrics"])
def test_a_site_that_keeps_its_scores_cannot_be_judged(policy: SitePolicy, tmp_path: Path) -> None:
    result = rehearsed(tmp_path, {"c": policy})
    assert result.sites["c"].withheld == "its policy keeps its scores, or how they vary with its patients, at the site"
    assert result.strategies[0].sites.keys() == {"a", "b"}
    assert result.sites["a"].withheld == ""


@pytest.mark.slow
def test_a_harmonizer_that_one_site_does_not_allow_is_agreed_on_by_the_others(tmp_path: Path) -> None:
    result = rehearsed(tmp_path, {"c": permissive(harmonizers=("zscore",))}, ("zscore", "quantile_map"))
    assert "site c: its policy keeps its statistics for quantile_map at the site" in result.notes
    assert "quantile_map" in {each.harmonizer for each in result.strategies}


@pytest.mark.slow
def test_where_all_sites_keep_their_scores_the_rehearsal_ends_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no site has judged the heads .*a: its policy keeps its scores"):
        rehearsed(tmp_path, dict.fromkeys("abc", permissive(metrics=())))
