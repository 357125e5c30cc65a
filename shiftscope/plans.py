"""The plan of a federated job and the result of running it, as files a person can read and edit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import Field, model_validator

from shiftscope.errors import PlanError
from shiftscope.profiles import Profile
from shiftscope.recommendation import Recommendation
from shiftscope.records import Document, Real, Record

__all__ = [
    "Cost",
    "Difference",
    "Plan",
    "PlannedSite",
    "RoundEntry",
    "RunResult",
    "SiteScore",
    "SiteScores",
    "Split",
    "Task",
    "propose_plan",
    "read_plan",
    "write_plan",
]

Task = Literal["segmentation", "classification"]


class PlannedSite(Record):
    """A site as its profile described it; `train` refuses data whose fingerprint differs."""

    fingerprint: str
    patients: int
    cases: int


class Split(Record):
    """How patients are divided where the data bring no split of their own."""

    train: float = 0.7
    val: float = 0.1
    test: float = 0.2
    salt: str = "shiftscope"

    @model_validator(mode="after")
    def _adds_up(self) -> "Split":
        if min(self.train, self.val, self.test) < 0 or abs(self.train + self.val + self.test - 1) > 1e-6:
            raise ValueError("train, val and test must be shares that add up to 1")
        return self


class Plan(Document):
    """One federated job: the advice beside its baseline, on one budget.

    `harmonizer` is a key of `shiftscope.harmonize.HARMONIZERS`, `personalizer` of
    `shiftscope.train.personalize.PERSONALIZERS`, `baseline` of `CONTROLS`; with neither of the first two, the
    baseline is trained alone. `weights` is a local file a timm model starts from.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    task: Task
    classes: tuple[str, ...]
    model: str
    colour: bool
    image_size: Annotated[int, Field(ge=16, le=1024)]
    rounds: Annotated[int, Field(ge=1)]
    local_steps: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Annotated[float, Field(gt=0)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    harmonizer: str | None
    personalizer: str | None
    baseline: str = "fedavg"
    weights: str | None = None
    split: Split = Split()
    sites: Annotated[dict[str, PlannedSite], Field(min_length=1)]
    data: dict[str, str] = Field(default_factory=dict)


_COMMENTS = {
    "task": "segmentation or classification",
    "classes": "order of the outputs: the union over the sites; empty for one foreground",
    "model": "unet, or a timm model such as resnet18",
    "colour": "three channels or one",
    "image_size": "pixels; images are resized to a square",
    "local_steps": "optimizer steps per site and round, the same for every strategy",
    "seeds": "one whole run per seed; an interval needs two or more",
    "harmonizer": 'what is done to the images; "" for nothing',
    "personalizer": 'what stays at the site; "" for nothing',
    "weights": 'file of weights a timm model starts from; "" for random ones',
    "baseline": "what the advice is compared with, on the same budget",
    "data": 'where each site\'s data lie here: site = "folder"; --data SITE=DIR does the same',
}


class Difference(Record):
    """Adapted minus baseline, with its 95 % interval; all null where nothing can be compared."""

    mean: Real | None = None
    low: Real | None = None
    high: Real | None = None


class SiteScores(Record):
    """One site's test cases: metric per strategy, one value per seed, null where undefined.

    Attributes:
        cases: test cases behind `scores`.
        patients: patients in train, val and test.
        scores: strategy ("baseline", "adapted") -> the result's metric.
        difference: adapted minus baseline, averaged over seeds.
        also: further metrics, name -> strategy -> values.
        validation: the result's metric on the validation cases.
        left_out: cases that could not be used, reason -> count.
        changed: mean absolute change of a training pixel by the harmonizer, null without one.
    """

    cases: int
    patients: dict[str, int] = Field(default_factory=dict)
    scores: dict[str, tuple[Real | None, ...]] = Field(default_factory=dict)
    difference: Difference = Difference()
    also: dict[str, dict[str, tuple[Real | None, ...]]] = Field(default_factory=dict)
    validation: dict[str, tuple[Real | None, ...]] = Field(default_factory=dict)
    left_out: dict[str, int] = Field(default_factory=dict)
    changed: Real | None = None


class RoundEntry(Record):
    """One round of one strategy and seed: `replies` holds "ok" or "failed: reason" for each site."""

    round: int
    arm: str
    seed: int
    replies: dict[str, str]
    loss: Real | None
    bytes: int
    seconds: Real


class Cost(Record):
    """What a run took: payload bytes both ways (weights and statistics), wall-clock seconds."""

    bytes: int
    seconds: Real


class SiteScore(Record):
    """The lowest mean score of a strategy, and whose it is."""

    site: str
    score: Real


class RunResult(Document):
    """What a run gave, and whether the advice paid.

    A plan with neither harmonizer nor personalizer trains its baseline alone: the verdict is `no_difference` and
    `difference` holds nulls.
    """

    plan: Plan
    engine: str
    metric: str
    verdict: Literal["helped", "no_difference", "harmed"]
    difference: Difference
    sites: dict[str, SiteScores]
    harmed: tuple[str, ...] = ()
    worst: dict[str, SiteScore] = Field(default_factory=dict)
    rounds: tuple[RoundEntry, ...]
    notes: tuple[str, ...] = ()
    cost: Cost
    cost_by_arm: dict[str, Cost] = Field(default_factory=dict)
    machine: dict[str, str] = Field(default_factory=dict)


def propose_plan(profiles: Sequence[Profile], advice: Recommendation, name: str) -> Plan:
    """The plan that carries out `advice`, at a budget a workstation without a GPU can run.

    Raises:
        PlanError: the sites have neither masks nor two classes, so there is nothing to train.
    """
    profiles = sorted(profiles, key=lambda profile: profile.site)
    classes = tuple(sorted({label for profile in profiles for label in profile.labels}))
    segments = all(profile.masks for profile in profiles)
    if not segments and len(classes) < 2:
        raise PlanError(
            "the profiles hold neither masks at every site nor two classes: there is nothing to train;"
            " profile folders with masks/ or class folders, or a manifest with a mask or label column"
        )
    return Plan(
        name=name,
        task="segmentation" if segments else "classification",
        classes=() if segments else classes,
        model="unet" if segments else "resnet18",
        colour=all(profile.colour for profile in profiles),
        image_size=96,
        rounds=10,
        local_steps=20,
        batch_size=8,
        learning_rate=3e-3 if segments else 1e-3,
        seeds=(0, 1, 2),
        harmonizer=advice.harmonizer,
        personalizer=advice.personalizer,
        sites={
            profile.site: PlannedSite(fingerprint=profile.fingerprint, patients=profile.patients, cases=profile.cases)
            for profile in profiles
        },
    )


def write_plan(plan: Plan, path: Path, because: tuple[str, ...] = ()) -> None:
    """Write `plan` as commented TOML, headed by the reasons `because`."""
    document = tomlkit.document()
    for line in because:
        document.add(tomlkit.comment(line))
    values: dict[str, Any] = plan.to_dict()
    tables = {key: values.pop(key) for key in ("split", "sites", "data")}
    for key, value in values.items():
        item = tomlkit.item("" if value is None else value)
        if key in _COMMENTS:
            item.comment(_COMMENTS[key])
        document.add(key, item)
    for key, table in tables.items():
        if key in _COMMENTS:
            document.add(tomlkit.nl())
            document.add(tomlkit.comment(_COMMENTS[key]))
        document.add(key, tomlkit.item(table))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def read_plan(path: Path) -> Plan:
    """Read a plan from TOML.

    Raises:
        PlanError: the file is missing, is not TOML, or a key does not fit.
    """
    try:
        values = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
    except OSError as problem:
        raise PlanError(f"{path}: cannot be read: {problem.strerror}") from None
    except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError) as problem:
        raise PlanError(f"{path}: expected a plan in TOML: {problem}") from None
    for key in ("harmonizer", "personalizer", "weights"):
        values[key] = values.get(key) or None
    return Plan.from_dict(values, str(path), PlanError)
