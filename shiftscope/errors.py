"""What can go wrong, and how it is said.

    ShiftscopeError            exit 2: says what, where, got, expected and the next step in one or two lines
    ├── UsageError             an option or argument that cannot be used
    ├── InputError             images, masks, labels or a manifest that cannot be used
    │   ├── Unreadable         one file: carries a reason from REASONS; counted, never stops a run
    │   ├── TableError         a manifest or a table of the owner that cannot be used
    │   ├── TooManyFailures    more unreadable files than `--max-failures` allows
    │   └── Unsettled          it is not certain who is a patient, what is a class or how files lie: asks the owner
    ├── ProfileError           a profile that cannot be read or merged
    │   └── NotComparable      two profiles measured in different ways
    ├── PlanError              a plan that cannot be read or run
    ├── PolicyError            a policy that cannot be read
    ├── FederationError        keys, documents, folders or orders of a federation that cannot be used
    │   └── OrderRefused       an order that a site does not follow: carries the name of the rule
    └── EngineError            the federated job did not finish

Anything else that escapes is a bug and exits 70.
"""

from pathlib import Path

__all__ = [
    "NO_FAULTS",
    "REASONS",
    "EngineError",
    "FederationError",
    "InputError",
    "NotComparable",
    "OrderRefused",
    "PlanError",
    "PolicyError",
    "ProfileError",
    "ShiftscopeError",
    "TableError",
    "TooManyFailures",
    "Unreadable",
    "Unsettled",
    "UsageError",
]

REASONS: dict[str, str] = {
    "empty": "the file has no bytes",
    "truncated": "the file ends before its pixels do",
    "not_an_image": "the content is not an image of any format shiftscope reads",
    "no_pixels": "the file ought to hold an image and has no pixel data",
    "zero_size": "an image side is zero",
    "constant": "every pixel has the same value",
    "not_finite": "pixels are NaN or infinite",
    "undecodable": "the pixel data could not be decoded",
    "unsupported": "a valid file whose shape or meaning is outside the stated policy",
    "mask_size": "mask and image differ in size",
    "mask_geometry": "the mask lies elsewhere in space than its image",
    "mask_without_image": "a mask has no image of the same name",
    "no_patient": "the header or table names no patient, although it does for most files",
    "missing": "a file that is listed is not there, or cannot be opened",
    "beside_images": "no image of the examination: a localizer, a screen capture, a dose sheet, a report",
}
"""Why a file can be left out: code -> what it means. The code is what a profile counts."""

NO_FAULTS = frozenset({"beside_images"})
"""Reasons that are no fault of a delivery: archives export such files beside the images, and no limit counts them."""


class ShiftscopeError(Exception):
    """Base of every error a user can cause and mend."""


class UsageError(ShiftscopeError):
    """An option or argument that cannot be used."""


class InputError(ShiftscopeError):
    """Images, masks, labels or a manifest that cannot be used."""


class Unreadable(InputError):
    """One file that cannot be used.

    Args:
        path: the file, named locally only.
        reason: a key of `REASONS`.
        detail: what was found, for the person who has to mend it.
    """

    def __init__(self, path: Path | str, reason: str, detail: str = "") -> None:
        self.path = Path(path)
        self.reason = reason
        self.detail = detail or REASONS[reason]
        super().__init__(f"{self.path}: {reason}: {self.detail}")

    def __reduce__(self) -> tuple[type["Unreadable"], tuple[Path, str, str]]:
        return (type(self), (self.path, self.reason, self.detail))


class TableError(InputError):
    """A manifest or a table of the owner that cannot be used. It quotes cells, and stays at the site."""


class TooManyFailures(InputError):
    """More unreadable files than `--max-failures` allows."""


class Unsettled(InputError):
    """It is not certain who is a patient, what is a class or how files lie.

    Args:
        message: the question with its answers; it may name files, and stays at the site.
        nameless: the same in general words, for logs that others read.
    """

    def __init__(self, message: str, nameless: str) -> None:
        super().__init__(message)
        self.nameless = nameless


class ProfileError(ShiftscopeError):
    """A profile that cannot be read or merged."""


class NotComparable(ProfileError):
    """Two profiles measured in different ways."""


class PlanError(ShiftscopeError):
    """A plan that cannot be read or run."""


class PolicyError(ShiftscopeError):
    """A policy that cannot be read."""


class FederationError(ShiftscopeError):
    """A key, certificate, document, folder or order of a federation that cannot be used. It names no secret."""


class OrderRefused(FederationError):
    """An order that a site does not follow.

    Args:
        rule: its name; all that the coordinator is told.
        message: what was found, what was expected and what would settle it, for the site's own people.
    """

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        super().__init__(message)

    def __reduce__(self) -> tuple[type["OrderRefused"], tuple[str, str]]:
        return (type(self), (self.rule, str(self)))


class EngineError(ShiftscopeError):
    """The federated job did not finish."""
