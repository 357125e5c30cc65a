"""A check fails what was planted, under the right name, and hardly anything else."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from wards import site_of

from shiftscope.checks import CheckResult, Finding, Limit, Policy, check
from shiftscope.errors import NotComparable, ProfileError, Unreadable
from shiftscope.profiles import Patient, Profile
from shiftscope.profiles.profile_document import Privacy

Planted = Callable[[str], Profile]


def named(result: CheckResult, name: str, kind: str = "question") -> Finding:
    return next(finding for finding in result.findings if (finding.kind, finding.name) == (kind, name))


def failed(result: CheckResult) -> set[str]:
    """Categories of what failed."""
    return {finding.category for finding in result.findings if finding.status == "failed"}


PLANTED = {
    ("brighter/east", "brighter/bright"): "appearance",
    ("noisier/clear", "noisier/noisy"): "appearance",
    ("bigger_lesions/small", "bigger_lesions/large"): "structure",
    ("sloppy_masks/careful", "sloppy_masks/sloppy"): "annotation",
    ("rarer_labels/screening", "rarer_labels/referral"): "label",
}


@pytest.mark.parametrize(("pair", "category"), PLANTED.items())
def test_planted_shifts_fail_under_their_name(planted: Planted, pair: tuple[str, str], category: str) -> None:
    base, new = map(planted, pair)
    result = check(new, [base])
    assert result.outcome == "failed"
    assert failed(result) == {category}
    assert check(new, [base], Policy(fail_on=(category,))).outcome == "failed"
    others = tuple({"appearance", "structure", "label", "annotation", "concept", "files"} - {category})
    spared = check(new, [base], Policy(fail_on=others))
    assert spared.outcome == "passed"
    assert named(spared, category).status == "warned"
    assert check(new, [base], Policy(warn_only=True)).outcome == "passed"


def test_a_profile_against_itself_passes(planted: Planted) -> None:
    for name in ("twins/east", "rarer_labels/screening", "noisier/noisy"):
        one = planted(name)
        result = check(one, [one])
        assert result.outcome == "passed"
        assert {finding.status for finding in result.findings} <= {"passed", "skipped"}
        assert result.site == f"{one.site} (new)"
        assert result.against == (f"{one.site} (baseline)",)


def test_every_sentence_has_effect_interval_and_n(planted: Planted) -> None:
    for base, new in (("twins/east", "twins/west"), ("noisier/clear", "noisier/noisy")):
        result = check(planted(new), [planted(base)])
        for finding in result.findings:
            if finding.kind != "rule" and finding.status != "skipped":
                assert finding.effect is not None
                assert finding.low is not None
                assert finding.high is not None
                assert finding.low <= finding.effect <= finding.high
                assert "95 % [" in finding.says
                assert f"n = {finding.n[0]} against {finding.n[1]}" in finding.says


def test_false_alarms_are_rare(patients: list[Patient]) -> None:
    """Random halves of one ward, any question: 5 % at the most, 60 splits at two sizes."""
    rng = np.random.default_rng(0)
    alarms = 0
    for split in range(60):
        order = rng.permutation(len(patients))
        size = (60, 30)[split % 2]
        new, base = (site_of([patients[k] for k in part]) for part in (order[:size], order[size : 2 * size]))
        alarms += check(new, [base]).outcome == "failed"
    assert alarms <= 3


def test_the_order_of_patients_does_not_matter(patients: list[Patient]) -> None:
    rng = np.random.default_rng(1)
    base = site_of(patients[:60])
    results = [check(site_of([patients[k] for k in 60 + rng.permutation(60)]), [base]) for _ in range(3)]
    for other in results[1:]:
        for one, two in zip(results[0].findings, other.findings, strict=True):
            assert (one.name, one.status, one.n) == (two.name, two.status, two.n)
            if one.effect is not None:
                assert two.effect == pytest.approx(one.effect, rel=1e-6, abs=1e-9)


def test_against_other_sites_each_counts_alike_and_their_order_does_not_matter(planted: Planted) -> None:
    new, others = planted("brighter/bright"), [planted("brighter/east"), planted("brighter/west")]
    texts = {check(new, order).to_json() for order in permutations(others)}
    assert len(texts) == 1
    result = check(new, others)
    assert failed(result) == {"appearance"}
    assert result.against == ("east", "west")
    assert named(result, "appearance").n == (40, 80)
    assert any("'bright'" in says and "'east'" in says for says in result.because)
    assert check(others[0], [others[1], new.model_copy(update={"site": "east"})]).against == ("west",)


def test_two_sites_alone_are_the_pair_of_a_diagnosis(planted: Planted) -> None:
    """One baseline: the same numbers as `recommend` gives of the two."""
    from shiftscope.diagnosis import diagnose

    one, two = planted("noisier/clear"), planted("noisier/noisy")
    found = diagnose([one, two]).axes["appearance"]
    mine = named(check(two, [one]), "appearance")
    assert (mine.effect, mine.low, mine.high) == pytest.approx((found.effect, found.low, found.high), rel=1e-6)


def test_too_few_patients_are_inconclusive_whatever_else_failed(planted: Planted) -> None:
    base, new = planted("noisier/clear"), planted("noisier/noisy")
    small = new.model_copy(update={"patients": 12, "excluded": {"empty": 90}})
    result = check(small, [base])
    assert result.outcome == "inconclusive"
    assert named(result, "unreadable", "rule").status == "failed"
    answer = named(result, "appearance")
    assert (answer.status, answer.needed) == ("inconclusive", 30)
    assert "n = 12, 30 are needed" in answer.says
    assert check(small, [base], Policy(fail_on=("files",))).outcome == "failed"
    assert check(new, [base], Policy(min_patients=50)).outcome == "inconclusive"


def test_an_axis_that_the_baseline_has_is_required(planted: Planted) -> None:
    """A delivery without masks says nothing of masks: neither passed nor failed."""
    base, new = planted("twins/east"), planted("twins/west")
    bare = {axis: None if axis in ("morphology", "boundary") else sketch for axis, sketch in new.sketches.items()}
    bald = new.model_copy(update={"sketches": bare})
    result = check(bald, [base])
    assert result.outcome == "inconclusive"
    assert named(result, "annotation").status == "inconclusive"
    assert named(result, "boundary", "axis").status == "inconclusive"
    assert "at 'west'" in named(result, "boundary", "axis").says
    assert check(bald, [base], Policy(require=("noise",))).outcome == "passed"
    assert check(bald, [base], Policy(fail_on=("appearance", "files"))).outcome == "passed"
    assert check(base, [bald]).outcome == "passed"


def test_labels_that_the_baseline_has_are_required(planted: Planted) -> None:
    base = planted("rarer_labels/screening")
    bare = base.model_copy(update={"site": "bare", "labels": {}, "labelled": 0, "by_class": {}})
    result = check(bare, [base])
    assert result.outcome == "inconclusive"
    assert "at 'bare' (" in named(result, "labels", "axis").says
    assert check(bare, [base], Policy(require=())).outcome == "passed"
    assert named(check(bare, [base], Policy(require=())), "label").status == "skipped"


def test_limits_of_questions_axes_and_measures(planted: Planted) -> None:
    base, new = planted("noisier/clear"), planted("noisier/noisy")
    effect = named(check(new, [base]), "appearance").effect or 0.0
    lenient = check(new, [base], Policy(questions={"appearance": Limit(warn=0.1, error=10 * effect)}))
    assert lenient.outcome == "passed"
    assert named(lenient, "appearance").status == "warned"
    assert lenient.because
    only = {"appearance": Limit(error=1e6)}
    axis = check(new, [base], Policy(questions=only, axes={"noise": Limit(warn=0.01, error=0.1)}))
    assert failed(axis) == {"appearance"}
    assert named(axis, "noise", "axis").own
    measure = check(
        new, [base], Policy(questions=only, measures={"noise": Limit(error=0.1), "log_area": Limit(error=2)})
    )
    assert named(measure, "noise", "measure").status == "failed"
    assert named(measure, "log_area", "measure").status == "passed"
    absent = check(new, [base], Policy(questions=only, measures={"log_volume": Limit(error=1)}))
    assert absent.outcome == "inconclusive"


def test_a_limit_is_cleared_by_the_interval_not_by_the_estimate(planted: Planted) -> None:
    base, new = planted("noisier/clear"), planted("noisier/noisy")
    found = named(check(new, [base]), "noise", "measure")
    assert found.low is not None
    assert found.effect is not None
    between = (found.low + found.effect) / 2
    only = {"appearance": Limit(error=1e6)}
    limited = check(new, [base], Policy(questions=only, measures={"noise": Limit(error=abs(between))}))
    assert named(limited, "noise", "measure").status == "passed"


def test_scanners_classes_and_files(planted: Planted) -> None:
    base = planted("rarer_labels/screening")
    delivery = base.model_copy(update={"acquisition": {"scanner": {"ACME One": 50, "Other Two": "<10"}}})

    def status(profile: Profile, name: str, **limits: object) -> str:
        return named(check(profile, [base], Policy.model_validate(limits)), name, "rule").status

    assert status(delivery, "scanners", scanners=["acme *"]) == "failed"
    assert status(delivery, "scanners", scanners=["ACME*", "other two"]) == "passed"
    assert status(base, "scanners", scanners=["ACME*"]) == "inconclusive"
    known = base.model_copy(update={"acquisition": {"scanner": {"ACME One": 50}}})
    assert status(known, "scanners", scanners=["ACME One"]) == "warned"
    assert status(base, "labels", labels=["benign", "malignant"]) == "passed"
    assert status(base, "labels", labels=["benign", "cyst"]) == "failed"
    broken = base.model_copy(update={"excluded": {"truncated": 3}})
    assert status(broken, "unreadable") == "passed"
    assert status(broken, "unreadable", max_unreadable=2) == "failed"
    assert status(broken, "unreadable", max_unreadable="1%") == "failed"
    result = check(broken, [base], Policy(max_unreadable=0), failures=[Unreadable("a/b.png", "truncated")])
    assert failed(result) == {"files"}
    assert [(item.path, item.reason) for item in result.files] == [("a/b.png", "truncated")]


def test_a_private_profile_does_not_tell_its_files_and_small_classes(planted: Planted) -> None:
    base = planted("rarer_labels/screening")
    promise = Privacy(epsilon=8, delta=1e-6, mechanism="", clipped={}, count_noise=2, label_noise=4)
    private = base.model_copy(update={"privacy": promise, "labels": {"benign": 58}, "labelled": 58, "excluded": {}})
    result = check(private, [base], Policy(labels=("benign", "malignant"), require=()))
    assert named(result, "unreadable", "rule").status == "skipped"
    assert named(result, "labels", "rule").status == "inconclusive"
    assert named(result, "label").status == "skipped"


def test_profiles_that_cannot_be_compared_are_refused_by_name(planted: Planted) -> None:
    one, two = planted("twins/east"), planted("twins/west")
    other = two.model_copy(update={"recipe": two.recipe.model_copy(update={"canvas": 64})})
    with pytest.raises(NotComparable, match=r"'west' and 'east'.*canvas is 64 against 128"):
        check(one, [other])
    with pytest.raises(ProfileError, match="got no baseline"):
        check(one, [])
    with pytest.raises(ProfileError, match="two baselines are of a site named 'west'"):
        check(one, [two, two])
    with pytest.raises(ProfileError, match="2 baselines are all of 'east' itself"):
        check(one, [one, one])


def test_a_reference_that_stands_out_is_named(planted: Planted) -> None:
    """One of three baselines says it has a billion patients that do not vary: nobody else's effects rest on that."""
    sites = [planted(f"brighter/{name}") for name in ("east", "west", "bright")]
    still = {
        axis: sketch and sketch.model_copy(update={"n": 10**9, "cov": 1e-3 * sketch.cov})
        for axis, sketch in sites[1].sketches.items()
    }
    forged = sites[1].model_copy(update={"site": "forged", "sketches": still})
    caveats = check(sites[0], [*sites[1:], forged]).caveats
    assert any("'forged' stands out from all other sites" in caveat for caveat in caveats)
    two = check(sites[0], sites[1:]).caveats
    assert not any("stands out" in caveat for caveat in two)
    assert any("with two baselines neither can be checked against others" in caveat for caveat in two)
    assert not any("neither" in caveat for caveat in check(sites[0], sites[1:2]).caveats)


def moved(profile: Profile, axis: str, by: float) -> Profile:
    """One axis's mean moved along its first coordinate by so many deviations."""
    sketch = profile.sketches[axis]
    assert sketch is not None
    mean = sketch.mean.copy()
    mean[0] += by * np.sqrt(sketch.moments.cov[0, 0])
    return profile.model_copy(update={"sketches": {**profile.sketches, axis: sketch.model_copy(update={"mean": mean})}})


def towards(base: Profile, other: Profile, by: float, site: str) -> Profile:
    """A forged profile: every mean so far on the way from one site's to another's, or beyond."""
    sketches = {
        axis: sketch and sketch.model_copy(update={"mean": sketch.mean + by * (there.mean - sketch.mean)})
        for axis, sketch in base.sketches.items()
        if (there := other.sketches[axis]) is not None or sketch is None
    }
    return base.model_copy(update={"site": site, "sketches": sketches, "measures": {}, "by_class": {}})


@pytest.mark.parametrize("by", [2.5, 3.0])
def test_no_baseline_makes_a_delivery_pass_alone(planted: Planted, by: float) -> None:
    """One of three lies beyond the delivery, so that their mean is where the delivery is."""
    east, west, bright = (planted(f"brighter/{name}") for name in ("east", "west", "bright"))
    result = check(bright, [east, west, towards(east, bright, by, "forged")])
    assert result.outcome == "inconclusive"
    answer = named(result, "appearance")
    assert answer.status == "inconclusive"
    assert "it rests on" in answer.says
    (warning,) = [caveat for caveat in result.caveats if "the answer on appearance rests on" in caveat]
    alone = named(check(bright, [east, west]), "appearance").effect or 0.0
    assert f"failed (effect {alone:.0f}, " in warning
    assert "passed (effect" in warning
    assert "look at the profile of 'forged' first" in warning
    assert (
        check(bright, [east, west, towards(east, bright, by, "forged")], Policy(fail_on=("label",))).outcome == "passed"
    )


def test_no_baseline_makes_a_delivery_fail_alone(planted: Planted) -> None:
    east, west, bright = (planted(f"brighter/{name}") for name in ("east", "west", "bright"))
    others = [west, west.model_copy(update={"site": "south"})]
    result = check(east, [*others, towards(west, bright, 3.0, "forged")])
    assert result.outcome == "inconclusive"
    assert any("the answer on appearance rests on 'forged': failed" in caveat for caveat in result.caveats)


def test_no_baseline_moves_the_mean_of_a_measure_alone(planted: Planted) -> None:
    east, west, bright = (planted(f"brighter/{name}") for name in ("east", "west", "bright"))
    here, there = bright.measures["brightness"], east.measures["brightness"]
    lifted = {**east.measures, "brightness": there.model_copy(update={"mean": 3 * here.mean - 2 * there.mean})}
    forged = east.model_copy(update={"site": "forged", "measures": lifted})
    policy = Policy(measures={"brightness": Limit(error=(here.mean - there.mean) / 3)}, fail_on=("any",))
    assert named(check(bright, [east, west], policy), "brightness", "measure").status == "failed"
    result = check(bright, [east, west, forged], policy)
    assert named(result, "brightness", "measure").status == "inconclusive"
    assert any("the answer on brightness rests on" in caveat and "'forged'" in caveat for caveat in result.caveats)


def test_what_all_baselines_agree_on_rests_on_none(planted: Planted) -> None:
    east, west, bright = (planted(f"brighter/{name}") for name in ("east", "west", "bright"))
    third = west.model_copy(update={"site": "south"})
    for new, outcome in ((bright, "failed"), (east.model_copy(update={"site": "north"}), "passed")):
        result = check(new, [east, west, third])
        assert result.outcome == outcome
        assert not any("rests on" in caveat or "neither" in caveat for caveat in result.caveats)


def without(profile: Profile, site: str, *axes: str) -> Profile:
    bare = {axis: None if axis in axes else sketch for axis, sketch in profile.sketches.items()}
    return profile.model_copy(update={"site": site, "sketches": bare})


def test_no_baseline_takes_back_what_the_others_require(planted: Planted) -> None:
    """More than half of three or more; either of two. Whoever lacks it is named."""
    east, west = planted("brighter/east"), planted("brighter/west")
    lacked = ("intensity", "texture", "noise")
    new, forged = (without(east, site, *lacked) for site in ("north", "forged"))
    for baselines in ([east, west, forged], [east, forged]):
        result = check(new, baselines)
        assert result.outcome == "inconclusive"
        assert named(result, "appearance").status == "inconclusive"
        assert any("'forged' has no intensity, texture, noise, which" in caveat for caveat in result.caveats)
    fewer = [without(east, site, *lacked) for site in ("south", "forged")]
    assert check(new, [east, *fewer]).outcome == "passed"


def test_an_axis_that_moved_alone_warns_where_its_question_passes(planted: Planted) -> None:
    """Noise without anything else may be a zoom: something changed, and nothing says what."""
    base = planted("noisier/clear")
    result = check(moved(base, "noise", 1.1), [base])
    assert result.outcome == "passed"
    assert named(result, "appearance").status == "passed"
    assert "not known to be a shift in appearance" in named(result, "appearance").says
    axis = named(result, "noise", "axis")
    assert (axis.status, axis.own) == ("warned", True)
    assert axis in result.reported()
    assert failed(check(moved(base, "noise", 4), [base])) == {"appearance"}


def test_what_is_open_says_how_many_patients_would_decide(planted: Planted) -> None:
    """Only where more than there are; an effect that is plain is not left open by the number of patients."""
    base = planted("noisier/clear")
    said = 0
    for axis in ("intensity_outside", "morphology"):
        for by in np.linspace(0.3, 1.2, 19):
            for finding in check(moved(base, axis, by), [base]).of("question"):
                assert (finding.needed is not None) == ("patients a site would decide it" in finding.says)
                if finding.needed is not None:
                    said += 1
                    assert finding.status == "passed"
                    assert finding.needed > 40
                    assert f"about {finding.needed} patients" in finding.says
    assert said
