"""A rehearsal's mean over folds where the folds hold few patients: what it would give away, and what is counted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gated_jobs import gates
from small_policies import permissive
from small_rehearsals import Clinic, clinics_of, plan_of, weights_at

from shiftscope.disclosure.field_rules import suppressed_by
from shiftscope.disclosure.policies.site_policy import FEWEST_SCORED
from shiftscope.disclosure.releases.released_messages import Release
from shiftscope.training.federation import rehearsing_sites
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.federation.rehearsing_sites import PLAIN, keys_of
from shiftscope.training.federation.site_answers import ANSWERS
from shiftscope.training.rehearsals.coordinated_heads import blank_shared
from shiftscope.training.runs.jobs import Arm, Job

FEATURES, CHOSEN = 96, 3
SCALE = {"scale": [1.0]}


@pytest.fixture(autouse=True)
def _without_harmonizers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsing_sites, "harmonizers_of", lambda _plan: ())


def site_of(root: Path, clinic: Clinic, folds: int) -> Participant:
    """A site in a rehearsal of so many folds."""
    data = clinics_of(root / "data", {"a": clinic, "b": Clinic()})
    weights = weights_at(root)
    plan = plan_of(data, weights, model="linear", encoder="test_resnet", folds=folds, seeds=tuple(range(folds)))
    job = Job(
        plan=plan,
        arms=(Arm(name="fedavg", algorithm="fedavg", harmonizer=None, rounds=30),),
        data={site: str(path) for site, path in data.items()},
        patient_regex=None,
        out=root / "run",
        timeout_s=60,
        device="cpu",
        weights=weights,
        questions=40,
    )
    return Participant(job, "a")


def asked_with(site: Participant, heads: Mapping[str, np.ndarray]) -> Payload:
    """The last question of a rehearsal, with heads that somebody chose; the site's own are made first."""
    ANSWERS["query.features"](site, Payload(facts={"harmonizer": None}))
    ANSWERS["query.weights"](site, Payload(dict(heads), facts=SCALE))
    return Payload(dict(heads), {name: np.zeros(len(folds)) for name, _, folds in keys_of(site.job)}, SCALE)


def left(site: Participant, asked: Payload, folder: Path, min_scored: int) -> Mapping[str, Any]:
    gate = gates(site.job, "rehearse", folder, permissive(min_scored=min_scored))("a")
    outcome = gate.answer("evaluate.heads", lambda: asked, lambda content: ANSWERS["evaluate.heads"](site, content))
    assert isinstance(outcome, Release), outcome
    return outcome.facts


def blank(site: Participant) -> dict[str, np.ndarray]:
    return {name: heads.numpy() for name, heads in blank_shared(keys_of(site.job), FEATURES, 2).items()}


def test_heads_of_one_fold_alone_get_no_score_of_it(tmp_path: Path) -> None:
    """Twenty folds of two and one: heads of zero give .5 in nineteen of them, and the mean is the twentieth's."""
    site = site_of(tmp_path, Clinic(40, 20), 20)
    heads = blank(site)
    heads[PLAIN][CHOSEN] = np.random.default_rng(2).normal(size=heads[PLAIN][CHOSEN].shape)
    asked = asked_with(site, heads)
    found = site.rehearsal.judge(heads, asked.statistics, SCALE["scale"])
    own = found.by_fold["fedavg"][CHOSEN]
    assert 20 * found.means["fedavg"] - 0.5 * 19 == pytest.approx(own)
    assert own in (0, 0.5, 1), "the rank of the one among the two"
    assert site.rehearsal.tested == 1
    facts = left(site, asked, tmp_path / "log", 2)
    assert {suppressed_by(value) for value in facts["means"].values()} == {"min_scored"}
    assert facts["suppressed"].keys() >= {"tensors/covariance", "freedom"}
    assert isinstance(left(site, asked, tmp_path / "all", 1)["means"]["fedavg"], float)


def test_an_ordinary_hospital_says_its_scores(tmp_path: Path) -> None:
    """Sixty patients of two even classes in five folds: six of a class are tested in each."""
    site = site_of(tmp_path, Clinic(30, 30), 5)
    asked = asked_with(site, blank(site))
    assert site.rehearsal.tested == 6
    facts = left(site, asked, tmp_path / "log", FEWEST_SCORED)
    assert {*facts["means"].values()} >= {0.5}
    assert not [value for value in facts["means"].values() if suppressed_by(value)]
    assert not {"tensors/covariance", "freedom"} & facts["suppressed"].keys()
