"""All pairs of a federation with their verdicts, found by either of their sites first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from shiftscope.diagnosis.many_pairs import ManyPairs
from shiftscope.diagnosis.verdicts import AxisVerdict, Verdict
from shiftscope.measures.question_names import CONCEPT
from shiftscope.profiles import Profile
from shiftscope.shifts import ClassContrast, Shift
from shiftscope.shifts.many_sites.pair_blocks import pair_row

__all__ = ["Comparisons", "JudgedPairs", "ManyComparisons", "Pair", "Uncalled"]

Pair = tuple[str, str]
"""Two sites in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Uncalled:
    """What is left possible where no pair was called: of the pair of which least can be said, or that is least certain.

    Attributes:
        pair: the two sites.
        answer: the answer.
        contrast: of their classes, where that is the question.
        n: patients of the first site and of the second.
        asked: of how many pairs the question could be asked.
        hidden: of how many of them nothing can be said.
        detectable: the largest of the smallest effects that would have been detected.
    """

    pair: Pair
    answer: AxisVerdict
    contrast: ClassContrast | None
    n: tuple[int, int]
    asked: int
    hidden: int
    detectable: float | None


class JudgedPairs(Protocol):
    """What was compared and what came of it."""

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """By site, those that were compared."""

    @property
    def pairs(self) -> int:
        """How many pairs there are."""

    def called(self, question: str) -> Sequence[Pair]:
        """Pairs whose answer to a question counts as a shift."""

    def axes(self, question: str, pairs: Sequence[Pair]) -> list[str]:
        """The axis that each answer about some of them rests on."""

    def held(self, question: str, site: str, others: Sequence[str]) -> list[str]:
        """What was held equal between a site and each of several others, where the question is called."""

    def answers(self, question: str, site: str, others: Sequence[str]) -> list[AxisVerdict]:
        """The answers to a question about a site and each of several others."""

    def patients(self, question: str, site: str, others: Sequence[str]) -> list[tuple[int, int]]:
        """Patients behind these answers, of the site and of the other."""

    def uncalled(self, question: str) -> Uncalled | None:
        """What is left possible where no pair was called; None where no pair was asked."""


@dataclass(frozen=True)
class Comparisons:
    """Pairs that were compared one by one.

    Attributes:
        shifts: (a, b) -> their comparison.
        verdicts: the same keys -> the answers.
        profiles: by site, those that were compared.
    """

    shifts: Mapping[Pair, Shift]
    verdicts: Mapping[Pair, Verdict]
    profiles: Mapping[str, Profile]

    @property
    def pairs(self) -> int:
        """How many there are."""
        return len(self.verdicts)

    def called(self, question: str) -> list[Pair]:
        """Pairs whose answer to a question counts as a shift."""
        return [pair for pair, verdict in self.verdicts.items() if verdict.axes[question].called]

    def axes(self, question: str, pairs: Sequence[Pair]) -> list[str]:
        """The axis that each answer about some of them rests on."""
        return [self.verdicts[pair].axes[question].axis or "" for pair in pairs]

    def held(self, question: str, site: str, others: Sequence[str]) -> list[str]:
        """What was held equal between a site and each of several others, where the question is called."""
        return [answer.held for answer in self.answers(question, site, others)]

    def answers(self, question: str, site: str, others: Sequence[str]) -> list[AxisVerdict]:
        """The answers to a question about a site and each of several others."""
        return [self.verdicts[_pair(site, other)].axes[question] for other in others]

    def patients(self, question: str, site: str, others: Sequence[str]) -> list[tuple[int, int]]:
        """Patients behind these answers, of the site and of the other."""
        return [self._patients(question, site, other) for other in others]

    def _patients(self, question: str, one: str, other: str) -> tuple[int, int]:
        (answer,) = self.answers(question, one, [other])
        effect = self.shifts[_pair(one, other)].on(answer.axis or "", answer.classes)
        if effect is None:
            return 0, 0
        return effect.n if one < other else effect.n[::-1]

    def uncalled(self, question: str) -> Uncalled | None:
        """What is left possible where no pair was called; None where no pair was asked."""
        answers = {pair: verdict.axes[question] for pair, verdict in self.verdicts.items()}
        asked = {pair: answer for pair, answer in answers.items() if answer.effect is not None}
        if not asked:
            return None
        pair = max(asked, key=lambda pair: (asked[pair].disputed or asked[pair].hidden, asked[pair].high or 0.0))
        answer = asked[pair]
        known = [one.detectable for one in asked.values() if one.detectable is not None]
        return Uncalled(
            pair=pair,
            answer=answer,
            contrast=self.shifts[pair].contrast(answer.axis or "", answer.classes),
            n=self._patients(question, *pair),
            asked=len(asked),
            hidden=sum(one.hidden for one in asked.values()),
            detectable=max(known, default=None),
        )


@dataclass(frozen=True)
class ManyComparisons:
    """Pairs of very many sites.

    Attributes:
        found: all pairs of the profiles, in the order of their names.
        profiles: by site.
    """

    found: ManyPairs
    profiles: Mapping[str, Profile]

    @property
    def pairs(self) -> int:
        """How many there are."""
        return len(self._names) * (len(self._names) - 1) // 2

    @cached_property
    def _names(self) -> list[str]:
        return [site.site for site in self.found.sites]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self._names)}

    def named(self, rows: np.ndarray) -> list[Pair]:
        """The two sites of each of some pairs, by their rows among all."""
        first, second = self.found.places(rows)
        return [(self._names[i], self._names[j]) for i, j in zip(first.tolist(), second.tolist(), strict=True)]

    def called(self, question: str) -> list[Pair]:
        """Pairs whose answer to a question counts as a shift."""
        return self.named(self.found.called(question))

    def axes(self, question: str, pairs: Sequence[Pair]) -> list[str]:
        """The axis that each answer about some of them rests on."""
        i, j = (np.array([self._places[pair[end]] for pair in pairs], dtype=int) for end in (0, 1))
        return self.found.axes(question, pair_row(i, j, len(self._names)))

    def _rows(self, site: str, others: Sequence[str]) -> np.ndarray:
        place, beside = self._places[site], np.array([self._places[other] for other in others], dtype=int)
        return pair_row(np.minimum(place, beside), np.maximum(place, beside), len(self._names))

    def held(self, question: str, site: str, others: Sequence[str]) -> list[str]:
        """What was held equal between a site and each of several others, where the question is called."""
        return self.found.held(question, self._rows(site, others))

    def answers(self, question: str, site: str, others: Sequence[str]) -> list[AxisVerdict]:
        """The answers to a question about a site and each of several others."""
        return self.found.answers(question, self._rows(site, others))

    def patients(self, question: str, site: str, others: Sequence[str]) -> list[tuple[int, int]]:
        """Patients behind these answers, of the site and of the other."""
        found = self.found.patients(question, self._rows(site, others))
        return [n if site < other else n[::-1] for n, other in zip(found, others, strict=True)]

    def uncalled(self, question: str) -> Uncalled | None:
        """What is left possible where no pair was called; None where no pair was asked."""
        asked = len(self.found.asked(question))
        if not asked:
            return None
        row = np.array([self.found.least_certain(question)])
        ((a, b),) = self.named(row)
        (answer,), (n,) = self.found.answers(question, row), self.found.patients(question, row)
        contrast, detectable, hidden = None, None, 0
        if question == CONCEPT:
            shift = Shift((), self.found.contrasts_of(row)[0])
            contrast, hidden = shift.contrast(answer.axis or "", answer.classes), int(self.found.contrasts.hidden.sum())
        else:
            detectable = self.found.most_detectable(question)
        return Uncalled((a, b), answer, contrast, n, asked, hidden, detectable)


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)
