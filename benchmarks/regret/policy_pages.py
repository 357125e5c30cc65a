"""What the policy is, and how well it predicts families it never saw, as Markdown. Nothing is printed."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from gain_rows import GainRow
from outcomes import Outcome
from policy_fits import without_each_family
from rehearsed_pages import rehearsed_table
from scores import Over, over_families
from trained_gains import MARGIN

from shiftscope.recommendation.prediction.advice_policy import (
    INPUTS,
    SIGNS,
    AdvicePolicy,
    InputName,
    ModelledAction,
    Network,
    PolicyInputs,
)
from shiftscope.recommendation.prediction.candidates import Decision, candidates_of, decide

__all__ = ["policy_page"]

NETWORKS: tuple[Network, ...] = ("frozen", "pretrained", "random")

ABLATIONS: Mapping[str, tuple[InputName, ...]] = {
    "all inputs": INPUTS,
    "without what is removed and left": ("smallest", "conflict", "structure"),
    "without conflict": ("removed", "remains", "smallest", "structure"),
    "without size": ("removed", "remains", "conflict", "structure"),
    "without structure": ("removed", "remains", "smallest", "conflict"),
    "constants alone": (),
}


@dataclass(frozen=True, slots=True)
class Advised:
    """What the policy that never saw its family says of one federation on one network.

    Attributes:
        rows: action -> what was measured; `personalize` is the policy's own personalizer.
        decision: what was chosen, and how sure that is.
        rehearse: whether it is too unsure.
    """

    rows: Mapping[ModelledAction, GainRow]
    decision: Decision
    rehearse: bool

    @property
    def gain(self) -> float | None:
        """What was measured of the advice; of a rehearsal that of FedAvg, and None where it was not measured."""
        action = "pool" if self.rehearse else self.decision.chosen.action
        if action == "pool":
            return 0.0
        return self.rows[action].gain if action in self.rows else None  # type: ignore[index]

    @property
    def lost(self) -> float:
        """Share of sites that it costs more than the margin."""
        action = "pool" if self.rehearse else self.decision.chosen.action
        return self.rows[action].lost if action in self.rows else 0.0  # type: ignore[index]

    @property
    def row(self) -> GainRow:
        """Any of them, for what they have in common."""
        return next(iter(self.rows.values()))


def policy_page(rows: Sequence[GainRow], policy: AdvicePolicy, outcomes: Mapping[str, Outcome]) -> str:
    """Everything.

    Args:
        rows: of the tables.
        policy: fitted on all of them.
        outcomes: federation -> what was rehearsed.
    """
    fits = without_each_family(rows)
    advised = advised_elsewhere(rows, fits)
    return "\n".join(
        [
            "# The policy of the advice",
            "",
            "Written by `benchmarks/regret/policy.py`; what it means is in [advice.md](../advice.md).",
            "",
            *(f"- {key}: {text}" for key, text in policy.provenance.items()),
            "",
            "## What it is",
            "",
            *_model_table(policy),
            "",
            "## What it advises, families left out",
            "",
            *_advised_table(advised),
            "",
            "## What it advises after a rehearsal, families left out",
            "",
            *rehearsed_table(rows, outcomes, fits),
            "",
            "## Whether its intervals hold, families left out",
            "",
            *_coverage_table(rows, fits),
            "",
            "## What each input brings, families left out",
            "",
            *_ablations(rows),
            "",
        ]
    )


def _model_table(policy: AdvicePolicy) -> Iterator[str]:
    yield (
        "Expected gain over FedAvg = constant + sum of weight x input. Inputs are logarithms: of 1 + effect, and of"
        " the patients at the smallest site over 60 to base 2. *Half*: of the 80 % interval; *true*: standard deviation"
        " of the true gain about it; *site*: of one site's."
    )
    yield ""
    yield "| network | action | federations | constant | " + " | ".join(INPUTS) + " | half | true | site |"
    yield "|---|---|---:|---:|" + "---:|" * (len(INPUTS) + 3)
    for item in policy.actions:
        weights = " | ".join(
            f"{item.weights[name]:+.4f}" if name in item.weights else ("0" if name in SIGNS[item.action] else "")
            for name in INPUTS
        )
        yield (
            f"| {item.network} | {item.action} | {item.federations} | {item.constant:+.4f} | {weights} |"
            f" {item.half:.3f} | {item.spread:.3f} | {item.site_spread:.3f} |"
        )
    yield ""
    yield "From a rehearsal to training: a gain is expected to be so much of the rehearsed one, with so much beside it."
    yield ""
    yield "| network | action | scale | standard deviation |"
    yield "|---|---|---:|---:|"
    for each in policy.transfers:
        yield f"| {each.network} | {each.action} | {each.scale:.2f} | {each.spread:.3f} |"
    yield ""
    names = ", ".join(f"{network} `{name}`" for network, name in policy.personalizers.items())
    yield f"What personalizes: {names}."
    yield f"A rehearsal is advised where it is less certain than {policy.certain:g} that nothing gains."


def advised_elsewhere(rows: Sequence[GainRow], fits: Mapping[str, AdvicePolicy]) -> list[Advised]:
    """Each federation on each network it was measured on."""
    groups: dict[tuple[str, Network], list[GainRow]] = defaultdict(list)
    for row in rows:
        groups[row.federation, row.network].append(row)
    found = []
    for (_, network), inside in groups.items():
        policy = fits[inside[0].family]
        names = {policy.personalizers[network]}
        measured = {row.action: row for row in inside if row.action != "personalize" or row.strategy in names}
        decision = decide(candidates_of(policy, inside[0].inputs, "zscore"), MARGIN)
        found.append(Advised(measured, decision, decision.calls_for_rehearsal(policy.certain)))
    return found


def _advised_table(advised: Sequence[Advised]) -> Iterator[str]:
    yield (
        "*Gain*: measured, of what is advised; a rehearsal counts as FedAvg, which trains until it is made. *Harmed*:"
        f" sites that lose more than {MARGIN:g} against FedAvg. *Best*: the best of the measured actions and FedAvg in"
        " hindsight, which flatters it by its noise."
    )
    yield ""
    yield "| network | task | planted | federations | advice | gain over FedAvg | harmed | best in hindsight |"
    yield "|---|---|---|---:|---|---|---:|---:|"
    for network in NETWORKS:
        for task in ("classification", "segmentation"):
            of_task = [each for each in advised if (each.row.network, each.row.task) == (network, task)]
            for kind in ("", *sorted({each.row.kind for each in of_task})):
                if inside := [each for each in of_task if kind in ("", each.row.kind)]:
                    yield _advised_line(network, task, kind, inside)


def _advised_line(network: Network, task: str, kind: str, inside: Sequence[Advised]) -> str:
    counts = Counter("rehearse" if each.rehearse else each.decision.chosen.action for each in inside)
    said = ", ".join(f"{action} {count}" for action, count in counts.most_common())
    known = [each for each in inside if each.gain is not None]
    gain = over_families([each.gain or 0.0 for each in known], [each.row.family for each in known])
    best = np.mean([max(0.0, *(row.gain for row in each.rows.values())) for each in inside])
    harmed = np.mean([each.lost for each in known])
    name = f"**{network}** | {task} | **all**" if not kind else f"{network} | {task} | {kind}"
    return f"| {name} | {len(inside)} | {said} | {_over(gain)} | {harmed:.1%} | {best:+.4f} |"


def _coverage_table(rows: Sequence[GainRow], fits: Mapping[str, AdvicePolicy]) -> Iterator[str]:
    families = sorted({row.family for row in rows})
    yield "Share of measured gains within the 80 % interval; target .70 to .90, each family too."
    yield ""
    yield "| network | action | gains | all | " + " | ".join(families) + " |"
    yield "|---|---|---:|---:|" + "---:|" * len(families)
    for network in NETWORKS:
        for action in SIGNS:
            inside = [row for row in rows if (row.network, row.action) == (network, action) and _is_own(row, fits)]
            held = {family: [_held(row, fits) for row in inside if row.family == family] for family in families}
            every = [each for found in held.values() for each in found]
            cells = " | ".join(f"{np.mean(found):.2f}" if found else "" for found in held.values())
            yield f"| {network} | {action} | {len(every)} | {np.mean(every):.2f} | {cells} |"


def _is_own(row: GainRow, fits: Mapping[str, AdvicePolicy]) -> bool:
    return row.action != "personalize" or row.strategy == fits[row.family].personalizers[row.network]


def _held(row: GainRow, fits: Mapping[str, AdvicePolicy]) -> bool:
    found = fits[row.family].model(row.network, row.action).expected(row.inputs)
    return abs(row.gain - found.mean) <= found.half


def _ablations(rows: Sequence[GainRow]) -> Iterator[str]:
    yield (
        "Root of the mean squared error of expected gains over all three actions, families alike, and the gain of what"
        " is advised. *Kind alone*: whether a shift in appearance is called, and one in structure told from nothing."
        " *Without the network*: every network is taken for a frozen encoder."
    )
    yield ""
    yield "| inputs | " + " | ".join(f"{network}: error | {network}: gain" for network in NETWORKS) + " |"
    yield "|---|" + "---:|---|" * len(NETWORKS)
    for name, inputs in ABLATIONS.items():
        fits = without_each_family(rows, inputs)
        yield f"| {name} | " + " | ".join(_ablated(rows, fits, network, network) for network in NETWORKS) + " |"
    kinds = [replace(row, inputs=_kind_alone(row.inputs)) for row in rows]
    fits = without_each_family(kinds, ("removed", "remains", "structure"))
    yield "| kind alone | " + " | ".join(_ablated(kinds, fits, network, network) for network in NETWORKS) + " |"
    fits = without_each_family(rows)
    cells = " | ".join(_ablated(rows, fits, network, "frozen") for network in NETWORKS)
    yield f"| without the network | {cells} |"


def _ablated(rows: Sequence[GainRow], fits: Mapping[str, AdvicePolicy], network: Network, taken_as: Network) -> str:
    inside = [row for row in rows if row.network == network and _is_own(row, fits)]
    squares = [
        (row.gain - fits[row.family].model(taken_as, row.action).expected(row.inputs).mean) ** 2 for row in inside
    ]
    error = np.sqrt(over_families(squares, [row.family for row in inside]).mean)
    groups: dict[str, list[GainRow]] = defaultdict(list)
    for row in inside:
        groups[row.federation].append(row)
    gains, families = [], []
    for found in groups.values():
        policy, inputs = fits[found[0].family], _as(found[0].inputs, taken_as)
        decision = decide(candidates_of(policy, inputs, "zscore"), MARGIN)
        measured = {row.action: row.gain for row in found}
        unsure = decision.calls_for_rehearsal(policy.certain)
        gains.append(0.0 if unsure else measured.get(decision.chosen.action, 0.0))  # type: ignore[call-overload]
        families.append(found[0].family)
    return f"{error:.4f} | {over_families(gains, families).mean:+.4f}"


def _kind_alone(inputs: PolicyInputs) -> PolicyInputs:
    """Whether a shift in appearance is called, and whether one in structure is told from nothing: no size of either."""
    appearance = float(inputs.removed + inputs.remains > 0)
    structure = float(inputs.structure > 0)
    return PolicyInputs(inputs.network, removed=appearance, remains=appearance, structure=structure)


def _as(inputs: PolicyInputs, network: Network) -> PolicyInputs:
    return PolicyInputs(network, inputs.removed, inputs.remains, inputs.smallest, inputs.conflict, inputs.structure)


def _over(found: Over) -> str:
    return f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
