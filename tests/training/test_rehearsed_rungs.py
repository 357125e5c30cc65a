"""Who goes on from a rehearsal to the rungs of a trial: by validation, with a standard error of grace."""

from rehearsed_runs import rehearsal

from shiftscope.plans import RehearsalResult, RehearsedScore
from shiftscope.training.trials.rehearsed_rungs import cut_rehearsed
from shiftscope.training.trials.strategies import Strategy

STRATEGIES = (
    Strategy("fedper", None, "fedper"),
    Strategy("lp_ft", None, "lp_ft"),
    Strategy("zscore", "zscore", "fedavg"),
    Strategy("zscore+fedbn", "zscore", "fedbn"),
    Strategy("ditto", None, "ditto"),
)


def validated(scores: dict[str, tuple[float | None, ...]]) -> RehearsalResult:
    """Strategies with these validation scores at sites a, b, c; test scores say the opposite."""
    result = rehearsal({name: -0.1 * scores[name][0] for name in scores if name != "fedavg" and scores[name][0]})
    strategies = [
        each.model_copy(
            update={
                "sites": {
                    site: RehearsedScore(score=each.score, validation=value, gain=each.gain)
                    for site, value in zip("abc", scores[each.name], strict=True)
                }
            }
        )
        for each in result.strategies
    ]
    return result.model_copy(update={"strategies": tuple(strategies)})


def test_the_best_by_validation_go_on_and_who_is_not_rehearsed() -> None:
    scores = {
        "fedavg": (0.8, 0.8, 0.8),
        "local": (0.9, 0.9, 0.9),
        "lp_ft": (0.7, 0.7, 0.71),
        "zscore": (0.6, 0.6, 0.61),
    }
    cut = cut_rehearsed(validated(scores), STRATEGIES, 0.5)
    assert cut.fates == {
        "fedper": "kept",
        "lp_ft": "kept",
        "zscore": "dropped",
        "zscore+fedbn": "dropped",
        "ditto": "not rehearsed",
    }
    assert [item.name for item in cut.left] == ["fedper", "lp_ft", "ditto"]


def test_noise_over_sites_drops_nobody() -> None:
    scores = {"fedavg": (0.8, 0.8, 0.8), "local": (0.9, 0.7, 0.8), "lp_ft": (0.7, 0.9, 0.79)}
    cut = cut_rehearsed(validated(scores), STRATEGIES[:2], 0.5)
    assert cut.fates == {"fedper": "kept", "lp_ft": "tied"}


def test_a_site_that_validates_nothing_has_no_say() -> None:
    scores = {"fedavg": (0.8, 0.8, None), "local": (0.9, 0.91, None), "lp_ft": (0.7, 0.7, None)}
    assert cut_rehearsed(validated(scores), STRATEGIES[:2], 0.5).fates == {"fedper": "kept", "lp_ft": "dropped"}
    unknown = dict.fromkeys(scores, (0.9, None, None)) | {"fedavg": (0.8, 0.8, None)}
    assert set(cut_rehearsed(validated(unknown), STRATEGIES[:2], 0.5).fates.values()) == {"not rehearsed"}
