"""What a coordinator says of values that a site keeps, and of what would settle it."""

from shiftscope.training.federation.kept_values import kept_scores

WEIGHTS, SCORES = ("tensors/plain", "tensors/zscore"), ("validation.fedavg", "means.fedavg")
SETTLES = "fewer folds, a larger part to test or to validate on"


def test_of_what_is_kept_for_few_patients_a_note_says_what_settles_it() -> None:
    (both,) = kept_scores({"a": WEIGHTS}, {"a": SCORES}, {"a": (*WEIGHTS, *SCORES)})
    assert "at the site: how much of its own heads they want, scores; too few patients" in both
    assert f"stand behind how much of its own heads they want and scores: {SETTLES}" in both
    (one,) = kept_scores({"a": WEIGHTS}, {"a": SCORES}, {"a": SCORES[:1]})
    assert f"stand behind scores: {SETTLES}" in one


def test_of_what_is_kept_by_another_key_it_names_what_is_kept_and_no_more() -> None:
    (note,) = kept_scores({"a": WEIGHTS, "b": ()}, {"a": (), "b": ()}, {"a": (), "b": ()})
    assert note == (
        "site a: its policy keeps what its validation patients say at the site: how much of its own heads they want"
    )


def test_a_site_that_was_left_out_meanwhile_is_told_by_what_it_kept_before() -> None:
    assert len(kept_scores({"a": WEIGHTS}, {}, {"a": WEIGHTS})) == 1
    assert kept_scores({"a": ()}, {"a": SCORES[1:]}, {}) == []
