"""One federated job, as a person can read and edit it."""

from math import prod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from shiftscope.dataframes import Tabular
from shiftscope.plans.seed_schedule import ERROR_RATE, Analysis, schedule
from shiftscope.recommendation import Network
from shiftscope.records import MOST, Classes, Document, Finite, Misfit, Name, Record, Text, Total, matching
from shiftscope.sites import Declarations

__all__ = [
    "FILE_NAME",
    "Margin",
    "OwnCode",
    "Plan",
    "PlannedGain",
    "PlannedSite",
    "Seed",
    "Split",
    "Task",
    "network_of",
]

FILE_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
"""Of a plan, and of its run's folder."""

_REFERENCE = "fedavg"
"""Predicted gains are over it."""

_MOST_ROUNDS, _MOST_STEPS = 10_000, 1_000_000
"""What no job takes; the cost of a plan is added up round by round before it is run."""

_MOST_FOLDS, _LEAST_MARGIN = 20, 1e-6

_MOST_SEEDS, _SLOWEST = 100, 1e-9
"""A smaller learning rate moves no weight of single precision."""

_MOST_PIXELS = 2**27
"""In a batch: of one channel they take half a gigabyte before a network has seen them."""

Task = Literal["segmentation", "classification"]

Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


Margin = Annotated[Finite, Field(ge=_LEAST_MARGIN, le=0.5)]
"""A mean difference below it counts for nothing."""

Gain = Annotated[Finite, Field(ge=-1, le=1)]
"""A difference of the metric."""


def _listed_or_auto(value: object) -> object:
    if not isinstance(value, list | tuple) and value != "auto":
        raise ValueError("expected a list of whole numbers, or 'auto'")
    return value


class PlannedSite(Record):
    """A site as its profile described it; `train` refuses data whose fingerprint differs.

    Sites with the same `cluster` train one model together where the personalizer is `clustered`. `classes` are those
    the site was profiled with, () for none and None where nobody knows; like `one_file_per_patient` they are its
    owner's answers, so that nobody has to be asked again.
    """

    fingerprint: Text
    patients: Annotated[int, Field(strict=True, ge=1, le=MOST)]
    cases: Total
    cluster: Total = 0
    classes: Classes | None = None
    one_file_per_patient: bool = False

    @model_validator(mode="after")
    def _has_a_case_for_each(self) -> "PlannedSite":
        if self.cases < self.patients:
            raise Misfit("cases", self.cases, f"{self.patients} or more, one for each patient")
        return self

    @property
    def known(self) -> Declarations:
        """What is known of the site's data before they are read."""
        return Declarations(classes=self.classes, one_file_per_patient=self.one_file_per_patient or None)


_LEAST_SHARE = 0.001


Sha256 = Annotated[str, matching("[0-9a-f]{64}", "64 hexadecimal digits")]
"""A digest of a file."""


class OwnCode(Record):
    """Which code of the operator's own a plan means.

    Attributes:
        version: of the installed distribution; empty where it has none.
        sha256: of the package's source files, as `training.own_code.package_marks` reads them.
    """

    version: Text = ""
    sha256: Sha256


class PlannedGain(Record):
    """What the advice was expected to gain when the plan was made.

    Attributes:
        harmonizer, personalizer: of the advice; a plan that was edited may name others.
        network: that was to be trained; None in documents that do not say it.
        sites: how many the plan had; None in documents that do not say it.
        mean: over FedAvg, of the metric, mean over sites.
        low: lower end of the interval in which a run would measure it, in 80 of 100 federations.
        high: upper end.
    """

    harmonizer: Name | None = None
    personalizer: Name | None = None
    network: Network | None = None
    sites: Annotated[int, Field(strict=True, ge=1, le=MOST)] | None = None
    mean: Gain
    low: Gain
    high: Gain

    @model_validator(mode="after")
    def _has_ends_in_order(self) -> "PlannedGain":
        if not self.low <= self.mean <= self.high:
            raise Misfit("mean", self.mean, f"a value from low to high, {self.low:g} to {self.high:g}")
        return self


class Split(Record):
    """How patients are divided where the data bring no split of their own."""

    train: Finite = 0.7
    val: Finite = 0.1
    test: Finite = 0.2
    salt: Text = "shiftscope"

    @model_validator(mode="after")
    def _adds_up(self) -> "Split":
        if min(self.train, self.val, self.test) < 0 or abs(self.train + self.val + self.test - 1) > 1e-6:
            raise ValueError("train, val and test must be shares that add up to 1")
        for key, share in (("train", self.train), ("test", self.test)):
            if share < _LEAST_SHARE:
                raise Misfit(key, share, f"{_LEAST_SHARE} or more: without patients to train and to test on, no result")
        return self


class Plan(Document, Tabular):
    """One federated job: the advice beside its baseline and each site's own model, on one budget.

    `harmonizer` is a key of `shiftscope.HARMONIZERS`, `personalizer` of `shiftscope.PERSONALIZERS`, `baseline` of
    `shiftscope.CONTROLS`; with neither of the first two, there is no advice to compare. With a `patch` (z, y, x) the
    network is three-dimensional and sees volumes in blocks of that size; without one it sees slices.

    Attributes:
        model: what `docs/models.md` lists, or "package.module:function", the operator's own.
        encoder: the timm model on which a decoder or the linear model stands; None where `model` is a whole network.
        weights: "imagenet", or a local file that the timm model (the encoder) starts from; None for random ones.
        weights_sha256: of the file of weights; None until a run has found it. Other weights are refused.
        head, stem: names of the modules that methods treat apart as the model's last and early layers; () to find them.
        loss, augment: "package.module:function", the operator's own; None for those of the task.
        code: package -> version and hash of the operator's own code; filled in by the first run. Other code is refused.
        balance: whether batches hold the classes equally often, however frequent they are at a site.
        margin: the mean difference of the metric below which a difference counts for nothing.
        folds: parts into which each site's patients are cut; the i-th seed tests on fold i modulo `folds`. 1: `split`.
        seeds: one whole training for each; "auto": as many as it takes to decide, of those in `every_seed`.
        predicted: what the advice was expected to gain; None where it was to pool, or to rehearse.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 250_000

    name: Annotated[str, Field(pattern=f"^{FILE_NAME}$")]
    task: Task
    classes: Classes
    model: Name
    colour: Annotated[bool, Field(strict=True)]
    image_size: Annotated[int, Field(strict=True, ge=16, le=1024)]
    rounds: Annotated[int, Field(strict=True, ge=1, le=_MOST_ROUNDS)]
    local_steps: Annotated[int, Field(strict=True, ge=1, le=_MOST_STEPS)]
    batch_size: Annotated[int, Field(strict=True, ge=2, le=65536)]
    learning_rate: Annotated[Finite, Field(ge=_SLOWEST, le=1000)]
    seeds: Annotated[
        Annotated[tuple[Seed, ...], Field(min_length=1, max_length=_MOST_SEEDS)] | Literal["auto"],
        BeforeValidator(_listed_or_auto),
    ]
    folds: Annotated[int, Field(strict=True, ge=1, le=_MOST_FOLDS)] = 1
    margin: Margin = 0.01
    harmonizer: Name | None
    personalizer: Name | None
    baseline: Name = _REFERENCE
    balance: Annotated[bool, Field(strict=True)] = False
    encoder: Name | None = None
    weights: Text | None = None
    weights_sha256: Sha256 | None = None
    head: tuple[Name, ...] = ()
    stem: tuple[Name, ...] = ()
    loss: Name | None = None
    augment: Name | None = None
    code: dict[Name, OwnCode] = Field(default_factory=dict)
    patch: tuple[Annotated[int, Field(strict=True, ge=8, le=1024)], ...] = ()
    split: Split = Split()
    predicted: PlannedGain | None = None
    sites: Annotated[dict[Name, PlannedSite], Field(min_length=1)]
    data: dict[Name, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_once(self) -> "Plan":
        seeds = () if self.seeds == "auto" else self.seeds
        for key, values in (("classes", self.classes), ("seeds", seeds)):
            if len(set(values)) < len(values):
                raise Misfit(key, list(values), "each of them once")
        return self

    @model_validator(mode="after")
    def _three_or_none(self) -> "Plan":
        if len(self.patch) not in (0, 3):
            raise ValueError("patch must be three numbers of voxels, z, y, x, or be left out")
        return self

    @model_validator(mode="after")
    def _has_room(self) -> "Plan":
        each = prod(self.patch) if self.patch else self.image_size**2
        if self.batch_size * each > _MOST_PIXELS:
            raise Misfit("batch_size", self.batch_size, f"{_MOST_PIXELS // each} at the most, for {each} pixels a case")
        return self

    @model_validator(mode="after")
    def _trains_every_fold_equally(self) -> "Plan":
        if self.seeds == "auto":
            if not schedule(self.folds):
                raise Misfit("folds", self.folds, 'a divisor of 3, 5 or 10 where seeds = "auto"')
        elif len(self.seeds) % self.folds:
            raise Misfit("seeds", list(self.seeds), f"as many as {self.folds} folds, or a multiple of it")
        return self

    @property
    def analyses(self) -> tuple[Analysis, ...]:
        """When the run looks at its result: once, or with "auto" after some of its seeds."""
        return schedule(self.folds) if self.seeds == "auto" else (Analysis(len(self.seeds), 1 - ERROR_RATE),)

    @property
    def every_seed(self) -> tuple[int, ...]:
        """The seeds of the run; of "auto", those it trains if nothing is decided before."""
        return tuple(range(self.analyses[-1].seeds)) if self.seeds == "auto" else self.seeds

    @property
    def expected(self) -> PlannedGain | None:
        """What this run is expected to gain; None where nothing was predicted, and where strategy, baseline, network or
        sites are others by now."""
        found = self.predicted
        if found is None or self.baseline != _REFERENCE:
            return None
        same_strategy = (found.harmonizer, found.personalizer) == (self.harmonizer, self.personalizer)
        same_network = found.network in (None, network_of(self))
        same_sites = found.sites in (None, len(self.sites))
        return found if same_strategy and same_network and same_sites else None

    def fold_of(self, seed: int) -> int:
        """The fold that a seed of `every_seed` tests on."""
        return self.every_seed.index(seed) % self.folds

    def headline(self) -> str:
        """What is run, beside what."""
        advised = " and ".join(filter(None, (self.harmonizer, self.personalizer))) or "nothing"
        return f"{self.name}: {self.task} with {self.model}, {advised} beside {self.baseline}, {len(self.sites)} sites"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each key but `sites`, as the TOML file has it, then one for each site."""
        values = self.to_dict()
        sites = values.pop("sites")
        rows = [{"key": key, "value": value} for key, value in values.items()]
        return rows + [{"key": f"sites.{site}", "value": planned} for site, planned in sites.items()]


def network_of(plan: Plan) -> Network:
    """What a plan trains, in the terms of advice."""
    if plan.model == "linear":
        return "frozen"
    return "random" if plan.weights is None else "pretrained"
