"""What survives a round: checkpoints at the coordinator, personal tensors at the sites; written atomically."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from shiftscope.errors import EngineError
from shiftscope.plans import RoundEntry, SiteRound
from shiftscope.records import Name, Record, Total, explain_validation
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.runs.array_files import damaged, read_groups, write_groups

__all__ = [
    "Checkpoint",
    "Evaluation",
    "PersonalState",
    "ReceivedEvaluation",
    "load_checkpoint",
    "load_personal",
    "save_checkpoint",
    "save_personal",
]


class Evaluation(Record):
    """What a site says of a trained model: numbers of cases and metrics, null where undefined.

    Attributes:
        cases: test cases; None where the site keeps their number.
        scores: of the model the site uses from now on.
        ungated: of this strategy's model, whether it is used or not.
        validation: of this strategy's model, on the validation cases.
        kept_baseline: whether the site uses the baseline's model instead, because that does better on them.
        spent: what the work after the last round took.
    """

    cases: int | None
    scores: dict[str, float | None]
    ungated: dict[str, float | None]
    validation: dict[str, float | None]
    kept_baseline: bool = False
    spent: SiteRound = SiteRound()


class ReceivedEvaluation(Evaluation):
    """The same as it arrived at the coordinator.

    Attributes:
        kept: what the site's policy keeps at the site: "cases", metrics whose scores on test cases are null, too,
            "validation" where those on validation cases are beside them, "choice" where nobody is told which model the
            site keeps: it chose none, and uses the strategy's own.
        few: those of them that rest on too few patients.
    """

    kept: tuple[Name, ...] = ()
    few: tuple[Name, ...] = ()


class _Account(Record):
    """What the header of a checkpoint holds, as `Checkpoint` has it."""

    round: Total
    entries: tuple[RoundEntry, ...]
    evaluation: dict[str, ReceivedEvaluation]
    evaluation_bytes: Total


@dataclass(slots=True)
class Checkpoint:
    """One strategy and seed at the coordinator.

    Attributes:
        round: rounds done.
        shared: the tensors all sites have in common.
        memory: what the algorithm keeps at the server.
        entries: the account of the rounds so far.
        evaluation: site -> how it judged the final model, empty until the last round is through.
        evaluation_bytes: payload of the evaluation, both ways.
    """

    round: int
    shared: Tensors
    memory: Tensors = field(default_factory=dict)
    entries: list[RoundEntry] = field(default_factory=list)
    evaluation: dict[str, ReceivedEvaluation] = field(default_factory=dict)
    evaluation_bytes: int = 0

    def passes(self, site: str) -> int:
        """Gradients that the site has computed in the rounds of which it is part."""
        return sum(entry.sites[site].passes for entry in self.entries if site in entry.sites)

    def accepted(self, site: str) -> int:
        """The last round whose update of `site` is part of what is shared, 0 where there is none.

        The site goes on from what it had after that round, whatever it did since: an answer that was late, lost or
        unsound never happened. The account of the rounds says which they are, and is written with the weights.
        """
        return max((entry.round for entry in self.entries if entry.replies.get(site) == "ok"), default=0)


@dataclass(slots=True)
class PersonalState:
    """One strategy and seed at a site: the tensors that stay home and the algorithm's memory."""

    home: Tensors = field(default_factory=dict)
    memory: Tensors = field(default_factory=dict)


def save_checkpoint(path: Path, state: Checkpoint) -> None:
    """Write `state` to `path`: safetensors, with the account in the header."""
    facts = {
        "round": state.round,
        "entries": [json.loads(entry.model_dump_json()) for entry in state.entries],
        "evaluation": {site: json.loads(answer.model_dump_json()) for site, answer in state.evaluation.items()},
        "evaluation_bytes": state.evaluation_bytes,
    }
    write_groups(path, {"shared": state.shared, "memory": state.memory}, {"shiftscope": json.dumps(facts)})


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The state at `path`, None where there is none.

    Raises:
        EngineError: the file is damaged, or holds something else.
    """
    if not path.exists():
        return None
    groups, header = read_groups(path)
    try:
        account = _Account.model_validate_json(header.get("shiftscope", "{}"))
    except ValidationError as problem:
        raise EngineError(damaged(path, explain_validation(problem))) from None
    return Checkpoint(
        round=account.round,
        shared=groups.get("shared", {}),
        memory=groups.get("memory", {}),
        entries=list(account.entries),
        evaluation=dict(account.evaluation),
        evaluation_bytes=account.evaluation_bytes,
    )


def save_personal(folder: Path, number: int, state: PersonalState, accepted: int) -> None:
    """Keep the state after round `number`, and that of round `accepted`: the coordinator will name one of the two.

    Other states from before `number` are deleted. Later ones stay: a round that timed out may end after the next one.
    """
    path = _after(folder, number)
    write_groups(path, {"home": state.home, "memory": state.memory}, {})
    for old in folder.glob("round-*.safetensors"):
        if old.name < path.name and old != _after(folder, accepted):
            old.unlink(missing_ok=True)


def load_personal(folder: Path, accepted: int) -> PersonalState:
    """The state after round `accepted`, the last that the coordinator has of this site; empty for 0.

    Raises:
        EngineError: there is none. Any other would differ from what the coordinator's weights are made of.
    """
    if accepted == 0:
        return PersonalState()
    path = _after(folder, accepted)
    if not path.exists():
        kept = ", ".join(sorted(other.stem for other in folder.glob("round-*.safetensors"))) or "none"
        raise EngineError(
            f"{path}: no such file, and round {accepted} is the last that the coordinator accepted of this site; states"
            f" kept here: {kept}; put the file back, or start the run anew"
        )
    groups, _ = read_groups(path)
    return PersonalState(groups.get("home", {}), groups.get("memory", {}))


def _after(folder: Path, number: int) -> Path:
    return folder / f"round-{number:05d}.safetensors"
