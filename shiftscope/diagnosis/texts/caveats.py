"""What lowers the confidence in a diagnosis, in sentences."""

from collections.abc import Mapping, Sequence

from shiftscope.diagnosis.texts.standout_text import standouts
from shiftscope.diagnosis.verdicts import Limits, Verdict
from shiftscope.profiles import Profile
from shiftscope.shifts import Outlyingness

__all__ = ["caveats"]


def caveats(
    profiles: Sequence[Profile],
    verdicts: Sequence[Verdict],
    limits: Limits,
    outlyingness: Mapping[str, Sequence[Outlyingness]],
) -> list[str]:
    """Sentences, the sites that are left out first."""
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
    blind = sum(
        verdict.axes["structure"].axis == "layout" and not verdict.axes["annotation"].axis for verdict in verdicts
    )
    if blind:
        out.append(
            f"{blind} of {len(verdicts)} pairs have no masks at both sites: structure is judged from the layout of the"
            " images alone; lesions do not show, and larger ones may pass for another appearance"
        )
    out.extend(standouts(outlyingness))
    return out
