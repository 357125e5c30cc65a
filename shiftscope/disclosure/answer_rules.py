"""The table of what may leave: question by question, each field of the question and of the answer with its rule.

What is not in this table is refused, whatever it is. docs/disclosure.md tells it in words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shiftscope.disclosure.array_rules import (
    DECIDING,
    ArrayRule,
    as_asked,
    covariance,
    nothing,
    own_weights,
    shared_by_all,
    shared_statistics,
)
from shiftscope.disclosure.field_rules import (
    Counted,
    FieldRule,
    Governed,
    Keyed,
    Leaf,
    Nullable,
    Rows,
    Table,
    amount,
    digest,
    listed_in,
    number,
    truth,
    whole,
)
from shiftscope.disclosure.ordered_names import (
    is_harmonizer_in_fold,
    is_judged,
    is_seed,
    last_exchange,
    metrics_of_order,
    ordered_harmonizers,
    ordered_strategies,
    rehearsed_names,
    rounds_of_question,
    withheld_reasons,
)
from shiftscope.disclosure.profile_rules import profile_document
from shiftscope.disclosure.situations import Situation
from shiftscope.errors import REASONS
from shiftscope.federations.orders import Kind
from shiftscope.harmonizers import HARMONIZERS

__all__ = ["RULES", "QuestionRules"]

_PARTS = ("train", "val", "test")
_PLAIN = "plain"
_LEVELS, _MOST_STRATEGIES, _MOST_FOLDS, _MOST_SEEDS = 100, 1000, 20, 100


@dataclass(frozen=True, slots=True)
class QuestionRules:
    """What one question may ask, and what its answer may hold.

    Attributes:
        kinds: of orders under which it is answered.
        asks: facts of the question.
        facts: of the answer.
        tensors: of the answer.
        statistics: of the answer.
    """

    kinds: frozenset[Kind]
    asks: Table
    facts: Table
    tensors: ArrayRule = nothing
    statistics: ArrayRule = nothing


def _count(family: str) -> Governed:
    return Governed(amount("count", 1e9), "counts", lambda _: family)


def _score(key: str) -> FieldRule:
    return Counted(Governed(Nullable(number("score")), "metrics", lambda _: _of(key)))


def _used_score(key: str) -> FieldRule:
    """Of the model that the site uses: beside the other models' scores it tells which that is."""
    return Governed(
        _score(key), "metrics", lambda situation: _deciding(situation) if _is_gated(situation) else _of(key)
    )


def _choice(value: Any, where: str, situation: Situation) -> Any:
    """Whether validation patients had the site keep the baseline's model; asked where the strategy is gated.

    That is which of two scores is larger: it leaves where these may.
    """
    rule = Counted(Governed(truth("choice"), "metrics", _deciding)) if _is_gated(situation) else _NO_CHOICE
    return rule(value, where, situation)


def _is_gated(situation: Situation) -> bool:
    arm = situation.arms.get(str(situation.asked.facts.get("arm")))
    return arm is not None and arm.gated


def _of(key: str) -> str:
    """The metric, of all classes or of one."""
    return key.partition(" of ")[0]


def _deciding(situation: Situation) -> str:
    return DECIDING[situation.plan.task]


_FOLDS: FieldRule = whole("fold", "a fold of the plan", 0, lambda situation: situation.plan.folds - 1)
_ARM = listed_in("arm", "a strategy of the order", lambda situation: situation.arms)
_SEED = Leaf("seed", "a seed of the plan", is_seed)
_HARMONIZER = listed_in("harmonizer", "a harmonizer of the order", ordered_harmonizers)
_EXCHANGE = whole("exchange", "an exchange of the order's harmonizers", 0, last_exchange)
_ROUND = whole("round", "a round of the strategy, the last at the most", 1, rounds_of_question)
_ACCEPTED = whole("round", "a round of the strategy, or 0", 0, rounds_of_question)
_SCALE = Rows(number("scale", 0), _LEVELS)
_SECONDS = number("seconds", 0)
_SPENT = Table(
    {
        **{name: amount("cost", 2.0**63) for name in ("up", "down", "steps", "passes")},
        "seconds": _SECONDS,
        "peak_bytes": Nullable(amount("cost", 2.0**63)),
        "start": digest("digest", 16, empty=True),
    }
)
_NO_CHOICE = Leaf("choice", "no, where nothing was to be chosen", lambda value, _: value is False)
_SCORES = Keyed(metrics_of_order, _score)
_HEAD_SCORES = Keyed(
    rehearsed_names, lambda _: Counted(Governed(Nullable(number("score", 0, 1)), "metrics", _deciding))
)
_KEPT = Table(
    {
        "cases": amount("count", 1e9),
        "lost": truth("signal"),
        **{name: number("signal") for name in ("before", "after", "drop", "low", "high")},
    }
)

_RUNS: frozenset[Kind] = frozenset(("train", "trial"))
_REHEARSALS: frozenset[Kind] = frozenset(("rehearse",))

RULES: Mapping[str, QuestionRules] = {
    "query.profile": QuestionRules(frozenset(("profile",)), Table({}), Table({"profile": profile_document})),
    "query.describe": QuestionRules(
        _RUNS | _REHEARSALS,
        Table({}),
        Table(
            {
                "site": listed_in("site", "the site's own name", lambda situation: (situation.site,)),
                "patients": Governed(
                    Table({part: amount("count", 1e9) for part in _PARTS}), "counts", lambda _: "patients"
                ),
                "left_out": Governed(
                    Keyed(lambda _: REASONS, lambda _: amount("count", 1e9)), "counts", lambda _: "left_out"
                ),
                "split": digest("digest", 16),
                "withheld": listed_in("withheld", "a reason of shiftscope, or nothing", withheld_reasons),
                "cases": Governed(Rows(amount("count", 1e9), _MOST_FOLDS), "counts", lambda _: "cases"),
                "even": Governed(truth("count"), "counts", lambda _: "labels"),
            }
        ),
    ),
    "query.share": QuestionRules(
        _RUNS,
        Table({"harmonizer": _HARMONIZER, "fold": _FOLDS, "exchange": _EXCHANGE}),
        Table({}),
        statistics=shared_statistics,
    ),
    "query.harmonize": QuestionRules(
        _RUNS,
        Table({"harmonizer": _HARMONIZER, "fold": _FOLDS}),
        Table(
            {
                "changed": Governed(number("score", 0), "metrics", lambda _: "change"),
                "kept": Governed(Nullable(_KEPT), "metrics", lambda _: "signal"),
            }
        ),
    ),
    "train": QuestionRules(
        _RUNS,
        Table({"arm": _ARM, "seed": _SEED, "round": _ROUND, "accepted": _ACCEPTED}),
        Table(
            {
                "cases": _count("cases"),
                "loss": Governed(number("score"), "metrics", lambda _: "loss"),
                "spent": _SPENT,
            }
        ),
        tensors=as_asked,
    ),
    "evaluate": QuestionRules(
        _RUNS,
        Table({"arm": _ARM, "seed": _SEED, "accepted": _ACCEPTED}),
        Table(
            {
                "cases": _count("cases"),
                "scores": Keyed(metrics_of_order, _used_score),
                "ungated": _SCORES,
                "validation": _SCORES,
                "kept_baseline": _choice,
                "spent": _SPENT,
            }
        ),
    ),
    "query.compare": QuestionRules(
        _RUNS,
        Table(
            {
                "seeds": Rows(_SEED, _MOST_SEEDS),
                "judged": Rows(Leaf("arm", "a strategy, a seed, yes or no", is_judged), 100_000),
            }
        ),
        Table(
            {
                "strategies": Rows(
                    listed_in("strategy", "a strategy of the order", ordered_strategies), _MOST_STRATEGIES
                ),
                "freedom": Counted(_count("patients")),
            }
        ),
        tensors=covariance,
    ),
    "query.shares": QuestionRules(
        _REHEARSALS,
        Table(
            {
                "asked": Rows(Leaf("harmonizer", "a harmonizer and a fold", is_harmonizer_in_fold), _MOST_STRATEGIES),
                "exchange": _EXCHANGE,
            }
        ),
        Table({}),
        statistics=shared_by_all,
    ),
    "query.features": QuestionRules(
        _REHEARSALS,
        Table({"harmonizer": Nullable(_HARMONIZER)}),
        Table(
            {
                "squares": Rows(number("aggregate", 0), _LEVELS),
                "features": amount("aggregate", 1e6),
                "seconds": _SECONDS,
                "same_as": Rows(
                    listed_in("strategy", "a harmonizer, or plain", lambda _: {*HARMONIZERS, _PLAIN}), _MOST_STRATEGIES
                ),
            }
        ),
    ),
    "train.heads": QuestionRules(
        _REHEARSALS, Table({"round": _ROUND, "scale": _SCALE}), Table({"seconds": _SECONDS}), tensors=as_asked
    ),
    "query.weights": QuestionRules(
        _REHEARSALS, Table({"scale": _SCALE}), Table({"seconds": _SECONDS}), tensors=own_weights
    ),
    "evaluate.heads": QuestionRules(
        _REHEARSALS,
        Table({"scale": _SCALE}),
        Table(
            {
                "means": _HEAD_SCORES,
                "validation": _HEAD_SCORES,
                "strategies": Rows(listed_in("strategy", "a rehearsed strategy", rehearsed_names), _MOST_STRATEGIES),
                "freedom": Counted(_count("patients")),
            }
        ),
        tensors=covariance,
    ),
}
"""Question, as messages call it -> what it may ask and what may be answered."""
