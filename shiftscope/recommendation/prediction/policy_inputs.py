"""What a prediction rests on, from a diagnosis."""

from collections.abc import Sequence

from shiftscope.diagnosis import AxisVerdict, Diagnosis, Removal
from shiftscope.measures.question_names import CONCEPT
from shiftscope.profiles import Profile
from shiftscope.recommendation.harmonizing import choose
from shiftscope.recommendation.prediction.advice_policy import Network, PolicyInputs

__all__ = ["inputs_of", "taking_part"]


def taking_part(diagnosis: Diagnosis, profiles: Sequence[Profile]) -> list[Profile]:
    """Sites that are compared."""
    left_out = {site for site, verdict in diagnosis.by_site.items() if verdict.kind == "insufficient"}
    return [profile for profile in profiles if profile.site not in left_out]


def inputs_of(
    diagnosis: Diagnosis, profiles: Sequence[Profile], removed: Sequence[Removal], network: Network
) -> PolicyInputs:
    """The inputs of a federation of which at least two sites are compared.

    Args:
        removed: what harmonizers remove, between the sites that count.
    """
    compared = taking_part(diagnosis, profiles)
    chosen, _ = choose(removed)
    pairs = len(compared) * (len(compared) - 1) / 2
    share = 0.0 if chosen is None else chosen.pairs / pairs
    return PolicyInputs(
        network=network,
        removed=0.0 if chosen is None else max(0.0, chosen.before - chosen.remains) * share,
        remains=0.0 if chosen is None else max(0.0, chosen.remains) * share,
        smallest=min(profile.patients for profile in compared),
        conflict=max(_at_least(diagnosis.axes[CONCEPT]), _at_least(diagnosis.axes["annotation"])),
        structure=_at_least(diagnosis.axes["structure"]),
    )


def _at_least(answer: AxisVerdict) -> float:
    """The lower end of the interval of an effect; 0 where it was not asked, or where it can be nothing."""
    return max(0.0, answer.low or 0.0)
