"""How names of masks follow from names of images: what stands before and after the part that both have."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import product

__all__ = ["Pairing", "pairing"]

_CUT_TOKEN = re.compile(r"[^\W\d_]+$|\d+$")


@dataclass(frozen=True, slots=True)
class Pairing:
    """What is fixed in the names of images and masks.

    Attributes:
        image: text before and after the part in common, of an image's stem.
        mask: the same of a mask's.
        matched: masks that have an image.
    """

    image: tuple[str, str]
    mask: tuple[str, str]
    matched: int

    def image_name(self, field: str = "{case}") -> str:
        """Of a template, without the suffix."""
        return field.join(self.image)

    def mask_name(self, field: str = "{case}") -> str:
        """Of a template, without the suffix."""
        return field.join(self.mask)


def pairing(images: Collection[str], masks: Collection[str]) -> Pairing | None:
    """How stems of masks follow from those of images, for at least half of the masks: the way that pairs most.

    Of ways that pair as many, the one that leaves the most in common. What is fixed in names begins and ends where
    words and numbers do, so that "volume-1" and "volume-10" differ in a number and not in its last digit.
    """
    if not images or not masks:
        return None
    best: tuple[int, int, Pairing] | None = None
    stems = set(images)
    for mask in product(_openings(masks), _closings(masks)):
        parts = _cut(masks, *mask)
        for image in product(_openings(stems), _closings(stems)):
            matched = len(_cut(stems, *image) & parts)
            if 2 * matched >= len(masks) and matched:
                fixed = sum(map(len, (*mask, *image)))
                found = (matched, -fixed, Pairing(image, mask, matched))
                best = found if best is None or found[:2] > best[:2] else best
    return best[2] if best else None


def _cut(stems: Collection[str], opening: str, closing: str) -> set[str]:
    """What is left of the stems that begin and end so."""
    end = -len(closing) or None
    return {
        stem[len(opening) : end]
        for stem in stems
        if stem.startswith(opening) and stem.endswith(closing) and len(stem) > len(opening) + len(closing)
    }


def _openings(stems: Collection[str]) -> list[str]:
    return ["", *_fixed(list(stems))]


def _closings(stems: Collection[str]) -> list[str]:
    """Endings that all have, and those that follow the last separators of most: "_mask", "_mask_1"."""
    return ["", *(text[::-1] for text in _fixed([stem[::-1] for stem in stems]))]


def _fixed(stems: list[str]) -> list[str]:
    """What all stems begin with, cut where a word or number would be cut."""
    first, last = min(stems), max(stems)
    common = first[: next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
    cut = _CUT_TOKEN.sub("", common)
    lengths = Counter(len(stem) == len(common) for stem in stems)
    return list(dict.fromkeys(filter(None, (cut, common if lengths[True] == 0 and not common[-1:].isdigit() else ""))))
