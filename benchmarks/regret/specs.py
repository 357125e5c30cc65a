"""What a federation of the benchmark is, and the families they come from. Nothing is printed."""

from dataclasses import asdict, dataclass, field
from hashlib import sha256

__all__ = ["FAMILIES", "Change", "Family", "Federation", "SiteSpec", "plain"]

Change = tuple[tuple[str, float], ...]
"""Plants with their severities, in the order they are applied; empty for none."""


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """One site: whose patients, and what is done to them.

    Attributes:
        source: key of `sources.SOURCES`.
        draw: seed of the division of its patients.
        part, parts: which part of how many.
        patients: of a part, at the most; 0 for all.
        tilt: the classes' odds differ between the parts by this severity (`phantoms.class_partition`); the last part
            is the odd one, or with `graded` each differs from the next.
        graded: see above.
        finding: parts but the last hold the source's first finding, the last one the other, under the same name.
        change: plants, in the order they are applied.
        swapped: share of its patients whose label is another one.
        threshold: share of the source's lesions, smallest first, that this site calls normal; of sources in which
            everybody has a lesion, those above are the positive class instead of what the label meant.
    """

    source: str
    draw: int = 0
    part: int = 0
    parts: int = 1
    patients: int = 0
    tilt: float = 0.0
    graded: bool = False
    finding: bool = False
    change: Change = ()
    swapped: float = 0.0
    threshold: float = 0.0

    @property
    def key(self) -> str:
        """The same for the same site, in any process."""
        return f"{self.source}-{sha256(repr(asdict(self)).encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Federation:
    """Some sites, and what is true of them.

    Attributes:
        name: of its file of results.
        family: federations of one family share patients or hospitals, and are one draw of the bootstrap.
        kind: "none", "appearance", "structure", "labels", "concept", "annotation", two of them with a plus between
            them, or "natural" where nobody planted anything.
        plant: what was planted, for people; of natural ones how many patients.
        severity: of the first plant; 0 for none.
        form: "odd" (one site of three differs), "all" (all do), "natural".
        seed: of the division of patients.
        study: of a natural group the kind that the study sets by hand.
        sites: name -> site.
        task: what is trained, "classification" or "segmentation"; scores of the one say nothing of the other.
    """

    name: str
    family: str
    kind: str
    plant: str
    severity: float
    form: str
    seed: int
    study: str
    sites: dict[str, SiteSpec] = field(hash=False)
    task: str = "classification"


@dataclass(frozen=True, slots=True)
class Family:
    """What a family's federations are made of.

    Attributes:
        sources: whose patients are divided, in turn.
        hospitals: of a natural group.
        study: kind that the study gives the group.
        colour: whether a colour cast can be planted.
        findings: the source of which two findings are known, if any.
        graded: the source whose lesions have a known size, if any.
        outlined: the source whose outlined patients are divided.
        outlined_hospitals: of a natural group with outlines.
    """

    sources: tuple[str, ...]
    hospitals: tuple[str, ...] = ()
    study: str = ""
    colour: bool = False
    findings: str = ""
    graded: str = ""
    outlined: str = ""
    outlined_hospitals: tuple[str, ...] = ()


_SCANNERS = ("aplio300_outlines", "logiq5_outlines", "logiq7_outlines")

FAMILIES: dict[str, Family] = {
    "chest films": Family(("guangzhou", "nih"), ("guangzhou", "nih", "pakistan"), "appearance", findings="guangzhou"),
    "brain MR": Family(
        ("br35h", "sartaj"), ("br35h", "chakrabarty", "sartaj"), "appearance+structure", findings="sartaj"
    ),
    "breast ultrasound": Family(
        ("cairo",), ("cairo", "logiq5", "logiq7"), "structure", outlined_hospitals=("busi_outlines", *_SCANNERS)
    ),
    "BUS-BRA": Family(
        ("busbra",), ("logiq5", "logiq7"), "structure", outlined="busbra_outlines", outlined_hospitals=_SCANNERS
    ),
    "phantom ultrasound": Family(
        ("phantom_ultrasound",), graded="phantom_ultrasound", outlined="phantom_ultrasound_outlines"
    ),
    "phantom chest": Family(("phantom_chest",), graded="phantom_chest", outlined="phantom_chest_outlines"),
    "phantom brain": Family(("phantom_brain",), graded="phantom_brain", outlined="phantom_brain_outlines"),
    "phantom endoscopy": Family(
        ("phantom_endoscopy",), colour=True, graded="phantom_endoscopy", outlined="phantom_endoscopy_outlines"
    ),
}
"""A group of hospitals is one family, whatever its members are used for; the scanners of BUS-BRA are one hospital."""


def plain(text: str) -> str:
    """As part of a name."""
    return text.lower().replace(" ", "_").replace("-", "_")
