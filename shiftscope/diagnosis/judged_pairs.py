"""All pairs of a federation with their verdicts, found by either of their sites first."""

from collections.abc import Mapping
from dataclasses import dataclass

from shiftscope.diagnosis.verdicts import AxisVerdict, Verdict
from shiftscope.profiles import Profile
from shiftscope.shifts import Shift

__all__ = ["Comparisons", "Pair"]

Pair = tuple[str, str]
"""Two sites in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Comparisons:
    """What was compared and what came of it.

    Attributes:
        shifts: (a, b) -> their comparison.
        verdicts: the same keys -> the answers.
        profiles: by site, those that were compared.
    """

    shifts: Mapping[Pair, Shift]
    verdicts: Mapping[Pair, Verdict]
    profiles: Mapping[str, Profile]

    @staticmethod
    def pair(one: str, other: str) -> Pair:
        """The key of two sites."""
        return (one, other) if one < other else (other, one)

    def called(self, question: str) -> list[Pair]:
        """Pairs whose answer to a question counts as a shift."""
        return [pair for pair, verdict in self.verdicts.items() if verdict.axes[question].called]

    def asked(self, question: str) -> list[Pair]:
        """Pairs of which a question could be asked."""
        return [pair for pair, verdict in self.verdicts.items() if verdict.axes[question].effect is not None]

    def answer(self, question: str, one: str, other: str) -> AxisVerdict:
        """The answer to a question about two sites."""
        return self.verdicts[self.pair(one, other)].axes[question]

    def patients(self, question: str, one: str, other: str) -> tuple[int, int]:
        """Patients behind that answer, of the one and of the other."""
        answer = self.answer(question, one, other)
        effect = self.shifts[self.pair(one, other)].on(answer.axis or "", answer.classes)
        if effect is None:
            return 0, 0
        return effect.n if one < other else effect.n[::-1]
