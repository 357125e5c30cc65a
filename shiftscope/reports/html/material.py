"""What a report is made of, read from small files; no image among them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shiftscope.errors import EngineError, ProfileError
from shiftscope.plans import Plan, RunResult, network_of, read_plan
from shiftscope.profiles import Profile
from shiftscope.recommendation import Advice, AdviceBasis, advise, load_policy
from shiftscope.shifts import Shift, SiteStatistics, compare_all

__all__ = ["Material", "SharedFile", "read_material"]


@dataclass(frozen=True, slots=True)
class SharedFile:
    """One profile as it was shared.

    Attributes:
        profile: what it says.
        size: bytes on disk.
        sha256: of these bytes, so that a site can check that it is the file it gave away.
    """

    profile: Profile
    size: int
    sha256: str

    @classmethod
    def read(cls, path: Path) -> "SharedFile":
        """Read a profile, and the bytes it was read from.

        Raises:
            ProfileError: it is missing or not a profile.
        """
        profile = Profile.read(path, ProfileError)
        data = path.read_bytes()
        return cls(profile, len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Material:
    """All that a report shows but pictures.

    Attributes:
        files: profiles by site, in alphabetical order.
        advice: diagnosis and recommendation; None for a single site, which has nobody to be compared with.
        shifts: (a, b) -> effects on every axis, for the pairs that were compared.
        result: of the training run, None before it.
        plan: the job; the result's where none is given.
    """

    files: tuple[SharedFile, ...]
    advice: Advice | None = None
    shifts: dict[tuple[str, str], Shift] | None = None
    result: RunResult | None = None
    plan: Plan | None = None

    @property
    def profiles(self) -> list[Profile]:
        """The profiles, in the order of `files`."""
        return [file.profile for file in self.files]

    @property
    def left_out(self) -> set[str]:
        """Sites with too few patients to be compared."""
        if self.advice is None:
            return set()
        return {site for site, verdict in self.advice.diagnosis.by_site.items() if verdict.kind == "insufficient"}

    @property
    def compared(self) -> list[Profile]:
        """Profiles of the sites that were compared."""
        return [profile for profile in self.profiles if profile.site not in self.left_out]


def read_material(profiles: Sequence[Path], result: Path | None = None, plan: Path | None = None) -> Material:
    """Read what a report shows, and diagnose where there are two sites or more.

    Raises:
        ProfileError: a profile that cannot be read, or two of one site.
        NotComparable: profiles measured in different ways.
        EngineError: the result cannot be read.
        PlanError: the plan cannot be read.
    """
    files = tuple(sorted(map(SharedFile.read, profiles), key=lambda file: file.profile.site))
    run = None if result is None else RunResult.read(result, EngineError)
    job = read_plan(plan) if plan is not None else run.plan if run is not None else None
    if len(files) < 2:
        return Material(files, result=run, plan=job)
    network = "pretrained" if job is None else network_of(job)
    advice = advise([file.profile for file in files], AdviceBasis(load_policy(), network))
    whole = Material(files, advice, result=run, plan=job)
    statistics = [SiteStatistics.of(profile) for profile in whole.compared]
    shifts = dict(compare_all(statistics).pairs) if len(statistics) > 1 else {}
    return Material(files, advice, shifts, run, job)
