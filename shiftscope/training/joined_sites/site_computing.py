"""What a joined site computes for an order, in a process of its own: nothing here decides what leaves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiftscope.devices import find_device
from shiftscope.errors import EngineError
from shiftscope.federations.orders import Order, OrderedProfile
from shiftscope.sites import allowed_code
from shiftscope.training.data.model_inputs import read_planned, usable
from shiftscope.training.data.splits import divide_planned
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.federation.site_answers import ANSWERS, REHEARSED
from shiftscope.training.joined_sites.ordered_jobs import job_of, plan_of
from shiftscope.training.models.networks import count_parameters
from shiftscope.training.own_code.own_names import packages_of
from shiftscope.training.own_code.permissions import require_admitted
from shiftscope.training.plan_checks import check_data

__all__ = ["Profiler", "SiteComputing"]

Profiler = Callable[[Path, str, OrderedProfile], Mapping[str, Any]]
"""A folder of images, the site's name and the options -> the profile's plain values."""


@dataclass(slots=True)
class SiteComputing:
    """One joined site, with the images of the order at hand kept in memory.

    Attributes:
        site: its name in the federation.
        data: its images.
        folder: of all runs.
        device: "auto", "cpu" or "cuda".
        profiler: measures the site.
    """

    site: str
    data: Path
    folder: Path
    device: str
    profiler: Profiler
    _kept: tuple[str, Participant] | None = None

    def parameters(self, order: Order) -> int:
        """Weights of the plan's model, or of the encoder before it; nothing is trained or written for it.

        Raises:
            PlanError: there is no such model, or it is the operator's own, which this site does not run.
        """
        plan = plan_of(order)
        if packages_of(plan):
            require_admitted(plan, allowed_code(self.data), self.site)
        return count_parameters(plan)

    def patients(self, order: Order) -> int:
        """How many patients a model learns from, in the fold with fewest, once it is sure that these are the data that
        were profiled.

        Whoever makes the plan chooses how large its parts are; what is learned from one patient tells of that patient,
        however many others the site has.

        Raises:
            PlanError, InputError: the data are others, or cannot be used.
        """
        plan = plan_of(order)
        found = read_planned(plan, self.site, self.data, None)
        check_data(plan, {self.site: found})
        cases = usable(found, plan)
        folds = [divide_planned(cases, plan, self.site, fold)["train"] for fold in range(plan.folds)]
        return min(len({case.patient for case in fold}) for fold in folds)

    def answer(self, order: Order, question: str, asked: Payload, min_scored: int) -> Payload:
        """What the site has to say, before anybody has looked at what of it may leave.

        Args:
            min_scored: of the site's policy, by which fewer patients choose no model.

        Raises:
            EngineError: nothing that this order asks.
        """
        if question == "query.profile" and order.profile is not None:
            return Payload(facts={"profile": dict(self.profiler(self.data, self.site, order.profile))})
        if question not in ANSWERS or (order.questions and question not in REHEARSED):
            raise EngineError(f"{question} is nothing that is asked in an order to {order.kind}")
        participant = self._participant(order)
        participant.scores.min_scored = min_scored
        return ANSWERS[question](participant, asked)

    def _participant(self, order: Order) -> Participant:
        if self._kept is None or self._kept[0] != order.digest:
            job = job_of(order, self.site, self.data, self.folder, find_device(self.device))
            self._kept = (order.digest, Participant(job, self.site))
        return self._kept[1]
