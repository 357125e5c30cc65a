"""Sites whose profiles are alike form a group, and nothing else does."""

import pytest

from shiftscope.diagnosis import AxisVerdict, Diagnosis, PairVerdict, Verdict
from shiftscope.recommendation.site_clusters import clusters_of


def diagnosis(effects: dict[str, float | None], insufficient: str = "") -> Diagnosis:
    """Pairs as "ab" -> the effect of appearance; structure adds a tenth of it."""
    sites = sorted(set("".join(effects)) | set(insufficient))
    pairs = tuple(
        PairVerdict(
            a=pair[0],
            b=pair[1],
            kind="none",
            axes={
                "appearance": AxisVerdict(effect=effect),
                "structure": AxisVerdict(effect=None if effect is None else effect / 10),
            },
        )
        for pair, effect in effects.items()
    )
    verdicts = {site: Verdict(kind="insufficient" if site in insufficient else "none", axes={}) for site in sites}
    return Diagnosis.model_construct(kind="none", axes={}, pairs=pairs, by_site=verdicts, removed=())


def test_two_pairs_of_scanners_are_two_groups() -> None:
    far = dict.fromkeys(("ac", "ad", "bc", "bd"), 9.0)
    assert clusters_of(diagnosis({"ab": 0.1, "cd": 0.2, **far})) == {"a": 0, "b": 0, "c": 1, "d": 1}


def test_one_odd_site_stands_alone() -> None:
    assert clusters_of(diagnosis({"ab": 5.0, "ac": 0.1, "bc": 6.0})) == {"a": 0, "b": 1, "c": 0}


@pytest.mark.parametrize(
    "effects",
    [
        {"ab": 5.0},
        {"ab": 1.0, "ac": 1.1, "bc": 1.05},
        {"ab": 0.0, "ac": 0.0, "bc": 0.0},
        {"ab": 4.0, "ac": 4.2, "ad": 3.9, "bc": 4.1, "bd": 4.0, "cd": 4.05},
    ],
)
def test_sites_equally_far_from_each_other_are_one_group(effects: dict[str, float | None]) -> None:
    assert set(clusters_of(diagnosis(effects)).values()) == {0}


def test_a_site_too_small_to_compare_joins_the_largest_group() -> None:
    far = dict.fromkeys(("ad", "bd", "cd"), 9.0)
    found = clusters_of(diagnosis({"ab": 0.1, "ac": 0.1, "bc": 0.1, **far}, insufficient="e"))
    assert found == {"a": 0, "b": 0, "c": 0, "d": 1, "e": 0}


def test_effects_below_nothing_count_as_nothing() -> None:
    far = dict.fromkeys(("ac", "ad", "bc", "bd"), 9.0)
    assert clusters_of(diagnosis({"ab": -0.3, "cd": None, **far})) == {"a": 0, "b": 0, "c": 1, "d": 1}


def test_what_labels_mean_counts_where_it_is_called() -> None:
    """Other images show in its effect, and count already."""
    calm = diagnosis({"ab": 5.0, "ac": 0.1, "bc": 6.0})
    for called, groups in ((False, {"a": 0, "b": 1, "c": 0}), (True, {"a": 0, "b": 0, "c": 1})):
        answers = {"ab": 0.0, "ac": 90.0, "bc": 90.0}
        pairs = tuple(
            pair.model_copy(
                update={"axes": pair.axes | {"concept": AxisVerdict(effect=answers[pair.a + pair.b], called=called)}}
            )
            for pair in calm.pairs
        )
        assert clusters_of(calm.model_copy(update={"pairs": pairs})) == groups
