"""What lowers the confidence in a diagnosis, in sentences."""

from collections.abc import Sequence

from shiftscope.diagnosis.verdicts import Limits, Verdict
from shiftscope.profiles import Profile

__all__ = ["is_blind", "pair_caveats", "site_caveats"]


def site_caveats(profiles: Sequence[Profile], limits: Limits) -> list[str]:
    """Sentences on sites that are small or whose patients are not known, those that are left out first."""
    out = []
    for profile in profiles:
        needed = limits.needed(profile.patient_source)
        if profile.patients < needed:
            assumed = ", each file counted as one" if profile.patient_source == "file" else ""
            out.append(
                f"'{profile.site}' is left out: {needed} patients are needed, it has {profile.patients}{assumed}"
            )
        elif profile.patients < limits.comfortable:
            out.append(
                f"'{profile.site}' has {profile.patients} patients, fewer than {limits.comfortable}: low confidence"
            )
    guessed = [
        profile.site
        for profile in profiles
        if profile.patient_source == "file" and profile.patients >= limits.needed(profile.patient_source)
    ]
    if guessed:
        sites = ", ".join(f"'{site}'" for site in guessed)
        out.append(
            f"each file counts as a patient at {sites}: several images of one person make the intervals too narrow"
        )
    return out


def pair_caveats(blind: int, pairs: int) -> list[str]:
    """A sentence on pairs without masks at both sites, where there are any.

    Args:
        blind: how many.
        pairs: of how many.
    """
    if not blind:
        return []
    return [
        f"{blind} of {pairs} pairs have no masks at both sites: structure is judged from the layout of the"
        " images alone; lesions do not show, and larger ones may pass for another appearance"
    ]


def is_blind(verdict: Verdict) -> bool:
    """Whether structure was judged without masks."""
    return verdict.axes["structure"].axis == "layout" and not verdict.axes["annotation"].axis
