"""Planted truth: what was planted is what is diagnosed, and nothing else."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from policies_of_advice import policy

from shiftscope.diagnosis import diagnose
from shiftscope.errors import NotComparable, ProfileError
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.profiles.profile_document import Sketch
from shiftscope.recommendation import AdviceBasis, advise
from shiftscope.shifts import SiteStatistics, compare_two
from shiftscope.sites import read_site
from shiftscope.stats import Moments

TRUTH = json.loads((Path(__file__).parents[1] / "fixtures" / "truth.json").read_text())["federations"]


@pytest.fixture(scope="session")
def federations(fixtures: Path) -> dict[str, list[Profile]]:
    """Every planted federation, profiled."""
    extractor = load_extractor()
    return {
        name: [profile_site(read_site(fixtures / name / site), extractor, Options())[0] for site in truth["sites"]]
        for name, truth in TRUTH.items()
    }


def moved(profile: Profile, axis: str, by: float, site: str) -> Profile:
    """The profile with one axis's mean moved along its first coordinate by `by` of its deviations."""
    sketch = profile.sketches[axis]
    assert sketch is not None
    mean = sketch.mean.copy()
    mean[0] += by * np.sqrt(sketch.moments.cov[0, 0])
    changed = sketch.model_copy(update={"mean": mean})
    return profile.model_copy(update={"site": site, "sketches": {**profile.sketches, axis: changed}})


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_planted_federations(name: str, federations: dict[str, list[Profile]]) -> None:
    """Kind as planted; label and annotation shifts called exactly where planted; every call says its numbers."""
    found = diagnose(federations[name])
    if name == "broken":  # 24 files a site, each counted as a patient: not enough to say anything
        assert found.kind == "insufficient"
        return
    assert found.kind == TRUTH[name]["kind"]
    assert found.axes["label"].called == TRUTH[name]["label"]
    assert found.axes["annotation"].called == TRUTH[name]["annotation"]
    for answer in found.axes.values():
        if answer.effect is not None:
            assert answer.low is not None
            assert answer.high is not None
            assert answer.low <= answer.effect <= answer.high
    assert found.evidence
    for item in found.evidence:
        if not item.sites:
            assert item.says.startswith("nothing can be said of ")
            continue
        assert "95 %" in item.says
        assert (
            f"n = {item.n[1]} against {item.n[0]}" in item.says
            or f"n = {item.n[0]} against {item.n[1]}" in item.says
            or " of " in item.says
        )


def test_the_odd_site_is_named(federations: dict[str, list[Profile]]) -> None:
    found = diagnose(federations["brighter"])
    assert {site for site, verdict in found.by_site.items() if verdict.kind == "appearance"} >= {"bright"}
    pairs = {(pair.a, pair.b): pair.kind for pair in found.pairs}
    assert pairs["east", "west"] == "none"
    assert pairs["bright", "east"] == pairs["bright", "west"] == "appearance"
    effects = {site: verdict.axes["appearance"].effect or 0 for site, verdict in found.by_site.items()}
    assert max(effects, key=lambda site: effects[site]) == "bright"


def test_evidence_names_what_was_planted(federations: dict[str, list[Profile]]) -> None:
    expected = {"brighter": "brightness", "noisier": "noise", "bigger_lesions": "log_area", "sloppy_masks": "offset"}
    for name, measure in expected.items():
        assert measure in {item.measure.removesuffix("_outside") for item in diagnose(federations[name]).evidence}, name


def test_the_order_of_profiles_does_not_matter(federations: dict[str, list[Profile]]) -> None:
    texts = {diagnose(order).model_dump_json() for order in permutations(federations["brighter"])}
    assert len(texts) == 1


def test_a_site_and_itself_do_not_differ(federations: dict[str, list[Profile]]) -> None:
    one = federations["twins"][0]
    found = diagnose([one, one.model_copy(update={"site": "copy"})])
    assert found.kind == "none"
    assert all((answer.effect or 0) == 0 for answer in found.axes.values())


def test_one_axis_moves_one_answer(federations: dict[str, list[Profile]]) -> None:
    one = federations["twins"][0]
    for axis, kind in (("intensity_outside", "appearance"), ("texture", "appearance"), ("morphology", "structural")):
        found = diagnose([one, moved(one, axis, 2.5, "moved")])
        assert found.kind == kind, axis
        assert not found.axes["annotation"].called
    found = diagnose([one, moved(one, "boundary", 2.5, "moved")])
    assert found.kind == "none"
    assert found.axes["annotation"].called


def test_confidence_grows_with_the_shift(federations: dict[str, list[Profile]]) -> None:
    one = federations["twins"][0]
    steps = [diagnose([one, moved(one, "noise", by, "moved")]).axes["appearance"] for by in (0.2, 0.6, 1.0, 2.0, 6.0)]
    confidence = [answer.probability or 0 for answer in steps]
    assert confidence == sorted(confidence)
    assert confidence[0] < 0.2
    assert confidence[-1] > 0.8


def test_too_few_patients_are_insufficient(federations: dict[str, list[Profile]]) -> None:
    east, west = (item.model_copy(update={"patient_source": "manifest"}) for item in federations["twins"])
    small = west.model_copy(update={"patients": 19})
    found = diagnose([east, small])
    assert found.kind == "insufficient"
    assert found.by_site["west"].kind == "insufficient"
    assert any("'west' is left out: 20 patients are needed, it has 19" in caveat for caveat in found.caveats)
    third = east.model_copy(update={"site": "third"})
    assert diagnose([east, small, third]).kind == "none"
    assumed = west.model_copy(update={"patients": 29, "patient_source": "file"})
    assert diagnose([east, assumed]).kind == "insufficient"


def respread(profile: Profile, factor: float, site: str, n: int | None = None) -> Profile:
    """The profile under another name, with patients that vary `factor` times as much, and of which there are `n`."""
    changed = {}
    for axis, sketch in profile.sketches.items():
        moments = None if sketch is None else sketch.moments
        changed[axis] = moments and Sketch.of(Moments(n or moments.n, moments.mean, factor * moments.cov))
    return profile.model_copy(update={"site": site, "sketches": changed, "patients": n or profile.patients})


def test_a_site_that_varies_far_more_or_less_is_named(federations: dict[str, list[Profile]]) -> None:
    """It changes the unit of all effects."""
    one, two = federations["twins"]
    like = respread(two, 1.0, "third")
    assert not any("stands out" in caveat for caveat in diagnose([one, two, like]).caveats)
    for factor, said in ((30.0, "vary 30 times"), (1 / 30, "vary 0.033 times")):
        caveats = [
            text for text in diagnose([one, two, respread(two, factor, "third")]).caveats if "stands out" in text
        ]
        assert len(caveats) == 1
        assert caveats[0].startswith("'third' stands out from all other sites")
        assert said[:8] in caveats[0]


def test_a_site_that_changes_what_others_are_told_is_named(federations: dict[str, list[Profile]]) -> None:
    """A fifth of the spread and a billion patients, which made effects between others five times as large, unseen."""
    sites = federations["brighter"]
    forged = respread(sites[1], 0.2, "forged", n=10**9)
    found = diagnose([*sites, forged])
    (named,) = [text for text in found.caveats if "'forged' stands out" in text]
    assert "because of its patients' spread the effect between" in named
    assert any("'forged' has 1000000000 patients" in text and "as if it had 200" in text for text in found.caveats)
    honest, among = ({(p.a, p.b): p for p in item.pairs} for item in (diagnose(sites), found))
    for pair, verdict in honest.items():
        for question, answer in verdict.axes.items():
            if (answer.effect or 0) > 1:
                assert among[pair].axes[question].effect < 5 * answer.effect


def test_a_site_of_other_images_is_named(federations: dict[str, list[Profile]]) -> None:
    """One site of ultrasound among sites of brain images."""
    clear, noisy = federations["noisier"]
    caveats = diagnose([clear, respread(clear, 1.0, "second"), federations["twins"][0]]).caveats
    (named,) = [text for text in caveats if "stands out" in text]
    assert named.startswith("'east' stands out")
    assert "lies at an effect of" in named
    assert not any("lies at an effect" in text for text in diagnose([clear, respread(clear, 1.0, "b"), noisy]).caveats)


def test_what_only_two_sites_have_cannot_be_checked(federations: dict[str, list[Profile]]) -> None:
    one, two = federations["twins"]
    assert sum("with two sites neither can be checked" in text for text in diagnose([one, two]).caveats) == 1
    bare = respread(two, 1.0, "bare")
    kept = {axis: None if axis in ("morphology", "boundary") else sketch for axis, sketch in bare.sketches.items()}
    caveats = diagnose([one, two, bare.model_copy(update={"sketches": kept})]).caveats
    assert "only 'east' and 'west' have morphology, boundary: there neither can be checked against others" in caveats
    assert not any("neither can be checked" in text for text in diagnose([one, two, bare]).caveats)


def forged_after_harmonizers(profile: Profile, by: float) -> Profile:
    """Honest in all but what harmonizers leave of its features."""
    harmonized = ("zscore", "quantile_map", "polarity", "canonical")
    sketches = {
        axis: sketch
        if sketch is None or axis.rpartition("_")[0] not in harmonized
        else sketch.model_copy(update={"mean": sketch.mean + by * np.eye(len(sketch.mean))[0]})
        for axis, sketch in profile.sketches.items()
    }
    update = {"site": "forged", "fingerprint": "f" * 64, "sketches": sketches, "by_class": {}}
    return profile.model_copy(update=update)


def test_a_site_that_turns_the_advice_for_all_is_named(federations: dict[str, list[Profile]]) -> None:
    sites = federations["brighter"]
    basis = AdviceBasis(policy(), "random")
    honest = advise(sites, basis)
    assert not any("the advice rests on" in text for text in honest.diagnosis.caveats)
    assert not honest.diagnosis.removed_without.get("bright")  # without it no pair differs in appearance
    for count in (3, 6):
        others = [
            profile.model_copy(update={"site": f"s{place}", "fingerprint": f"{place:064x}", "patients": 60})
            for place, profile in enumerate([*sites, *sites][:count])
        ]
        forged = forged_after_harmonizers(others[2], 25.0)
        found = advise([*others, forged], basis)
        assert found.recommendation.action != honest.recommendation.action == "harmonize"
        (caveats,) = [text for text in found.diagnosis.caveats if "the advice rests on" in text]
        assert caveats.startswith("the advice rests on 'forged': with all sites ")
        assert "without 'forged' harmonize (zscore), where " in caveats
        assert any("adds " in reason for reason in found.recommendation.because)


def test_half_a_turn_names_the_site_without_which_more_is_removed(federations: dict[str, list[Profile]]) -> None:
    """The advice is still what it was, and rests on the one honest site that differs."""
    sites = federations["brighter"]
    found = advise([*sites, forged_after_harmonizers(sites[2], 10.0)], AdviceBasis(policy(), "random"))
    assert found.recommendation.harmonizer == "zscore"
    (caveats,) = [text for text in found.diagnosis.caveats if "the advice rests on" in text]
    assert "without 'forged' harmonize (zscore), where zscore leaves 0." in caveats


def test_harmonized_features_far_from_all_are_named(federations: dict[str, list[Profile]]) -> None:
    sites = federations["brighter"]
    caveats = diagnose([*sites, forged_after_harmonizers(sites[2], 60.0)]).caveats
    assert any("'forged' stands out from all other sites: the nearest" in text for text in caveats)


def test_unusable_sets_of_profiles_are_reported(federations: dict[str, list[Profile]]) -> None:
    one, two = federations["twins"]
    with pytest.raises(ProfileError, match="got 1 profile"):
        diagnose([one])
    with pytest.raises(ProfileError, match="two profiles are of a site named 'east'"):
        diagnose([one, one])
    other = two.model_copy(update={"recipe": two.recipe.model_copy(update={"basis_sha256": "0" * 64})})
    with pytest.raises(NotComparable, match="'east' and 'west'"):
        diagnose([one, other])


def test_a_site_without_masks_is_compared_on_what_both_have(federations: dict[str, list[Profile]]) -> None:
    one, two = federations["both"]
    bare = two.model_copy(
        update={
            "sketches": {
                axis: None if axis in ("morphology", "boundary", "intensity_outside") else sketch
                for axis, sketch in two.sketches.items()
            }
        }
    )
    found = diagnose([one, bare])
    assert found.axes["appearance"].called
    assert found.axes["annotation"].effect is None
    assert found.axes["structure"].axis == "layout"


def test_sites_of_unequal_width_compare_on_what_they_share(federations: dict[str, list[Profile]]) -> None:
    one, two = federations["twins"]
    narrow = {}
    for axis, sketch in two.sketches.items():
        narrow[axis] = None if sketch is None else Sketch.of(sketch.moments.leading(4))
    shift = compare_two(SiteStatistics.of(one), SiteStatistics.of(two.model_copy(update={"sketches": narrow})))
    texture = shift.on("texture")
    assert texture is not None
    assert texture.width == 4


def test_hidden_labels_are_read_in_favour_of_no_shift(federations: dict[str, list[Profile]]) -> None:
    """25 of 40 against "<10" of 40 is a shift; 11 of 40 against "<10" of 40 need not be one."""
    one, two = (item.model_copy(update={"by_class": {}}) for item in federations["twins"])

    def label(a: dict[str, int | str], b: dict[str, int | str]) -> bool:
        parts = [site.model_copy(update={"labels": labels, "labelled": 40}) for site, labels in ((one, a), (two, b))]
        return diagnose(parts).axes["label"].called

    assert label({"x": 25, "y": 15}, {"x": "<10", "y": "hidden"})
    assert not label({"x": 11, "y": 29}, {"x": "<10", "y": "hidden"})


ACTIONS = {
    "twins": {"pool"},
    "brighter": {"harmonize"},
    "noisier": {"harmonize"},
    "rarer_labels": {"pool"},
    "bigger_lesions": {"pool"},
    "sloppy_masks": {"pool", "personalize"},
    "both": {"harmonize", "both"},  # quantile_spectrum undoes the blur
    "broken": {"collect_more"},
}


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_the_advice_follows(name: str, federations: dict[str, list[Profile]]) -> None:
    """By a policy that rewards what a harmonizer removes, and a model of one's own where masks differ."""
    basis = AdviceBasis(policy(), "random")
    small = advise(federations[name], basis).recommendation
    assert small.action in ACTIONS[name]
    assert small.because
    assert (small.harmonizer is not None) == (small.action in ("harmonize", "both"))
    assert (small.personalizer is not None) == (small.action in ("personalize", "both"))
    if name == "sloppy_masks":
        larger = [profile.model_copy(update={"patients": 80}) for profile in federations[name]]
        assert advise(larger, basis).recommendation.action == "personalize"


@pytest.mark.parametrize("name", sorted(ACTIONS.keys() - {"broken"}))
def test_every_action_is_predicted_with_the_policy_of_the_package(
    name: str, federations: dict[str, list[Profile]]
) -> None:
    found = advise(federations[name]).recommendation
    gains = {each.action: each.gain for each in found.predicted}
    assert gains.keys() == {"pool", "harmonize", "personalize", "both", "own_model"}
    assert all(gain.low <= gain.mean <= gain.high for gain in gains.values())
    assert gains["pool"].mean == 0
    assert 0 < (found.certainty or 0) <= 1


def test_moments_survive_the_file(federations: dict[str, list[Profile]], tmp_path: Path) -> None:
    """Diagnosing what was written and read again gives the same verdicts."""
    profiles = federations["both"]
    again = []
    for profile in profiles:
        profile.write(tmp_path / f"{profile.site}.json")
        again.append(Profile.read(tmp_path / f"{profile.site}.json"))
    one, two = diagnose(profiles), diagnose(again)
    assert one.kind == two.kind
    for question, answer in one.axes.items():
        if answer.effect is not None:
            assert two.axes[question].effect == pytest.approx(answer.effect, rel=1e-3)
    assert isinstance(SiteStatistics.of(again[0]).plain["texture"], Moments)
