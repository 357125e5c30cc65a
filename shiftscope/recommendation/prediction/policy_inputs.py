"""What a prediction rests on, from a diagnosis."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shiftscope.diagnosis import AxisVerdict, Diagnosis, Removal
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.measures.question_names import CONCEPT
from shiftscope.profiles import Profile
from shiftscope.recommendation.prediction.advice_policy import Network, PolicyInputs

__all__ = ["inputs_by_harmonizer", "inputs_of", "taking_part"]


def taking_part(diagnosis: Diagnosis, profiles: Sequence[Profile]) -> list[Profile]:
    """Sites that are compared."""
    left_out = {site for site, verdict in diagnosis.by_site.items() if verdict.kind == "insufficient"}
    return [profile for profile in profiles if profile.site not in left_out]


def inputs_of(
    diagnosis: Diagnosis, profiles: Sequence[Profile], chosen: Removal | None, network: Network
) -> PolicyInputs:
    """The inputs of a federation of which at least two sites are compared.

    Args:
        chosen: what the advised harmonizer removes, between the sites that count; None where that is not measured.
    """
    compared = taking_part(diagnosis, profiles)
    known = PolicyInputs(
        network=network,
        smallest=min(profile.patients for profile in compared),
        conflict=max(_at_least(diagnosis.axes[CONCEPT]), _at_least(diagnosis.axes["annotation"])),
        structure=_at_least(diagnosis.axes["structure"]),
    )
    return known if chosen is None else _with(known, chosen, len(compared))


def inputs_by_harmonizer(inputs: PolicyInputs, removed: Sequence[Removal], sites: int) -> Mapping[str, PolicyInputs]:
    """The inputs of the same federation if another harmonizer were the advised one, for every harmonizer. Of one whose
    removal is not measured nothing is counted as removed.

    Args:
        inputs: with the advised harmonizer.
        removed: what harmonizers remove, of those that are measured.
        sites: that are compared.
    """
    whole = inputs.removed + inputs.remains
    unknown = replace(inputs, removed=0.0, remains=whole)
    measured = {item.harmonizer: _with(inputs, item, sites) for item in removed}
    return {name: measured.get(name, unknown) for name in HARMONIZERS}


def _with(inputs: PolicyInputs, item: Removal, sites: int) -> PolicyInputs:
    """Pairs without a shift in appearance differ by nothing."""
    share = item.pairs / (sites * (sites - 1) / 2)
    return replace(inputs, removed=max(0.0, item.before - item.remains) * share, remains=max(0.0, item.remains) * share)


def _at_least(answer: AxisVerdict) -> float:
    """The lower end of the interval of an effect; 0 where it was not asked, or where it can be nothing."""
    return max(0.0, answer.low or 0.0)
