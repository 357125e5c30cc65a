"""Whose sums they are and how they were measured: what a profile says beside its sums."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, cast

from pydantic import Field, field_validator

from shiftscope.measures import AXES
from shiftscope.measures.basis import load_basis
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.parts.array_jobs import MOST_PARTS
from shiftscope.profiles.parts.keys import Key
from shiftscope.profiles.patients.prepared_cases import CANVAS, SLICES
from shiftscope.profiles.profile_document import Hash, Layout, PatientSource, Recipe, Seed
from shiftscope.profiles.site_blocks import block_order
from shiftscope.records import MOST, Misfit, Name, Record
from shiftscope.sites import NOTHING_SAID, ONE_FILE, Declarations, Site, fingerprint_of

__all__ = ["Origin", "recipe_of"]


_Part = Annotated[int, Field(strict=True, ge=1, le=MOST_PARTS)]


class Origin(Record):
    """Where sums come from. Stays at the site: of `cases` only the fingerprint is published, of `people` nothing.

    Attributes:
        site: the site's name.
        layout: how the folder is laid out.
        patient_source: how patients are identified.
        seed: of the sample on which the canonical map was fitted.
        recipe: how they were measured.
        excluded: files left out, by reason.
        people: sorted marks of the patients listed, of the identifier or, where there is none, of the file; () without
            a key, where they are of no use.
        cases: sorted SHA-256 of the cases listed.
        key: name of the key the marks were made with; "" in parts of versions without keys, whose marks are SHA-256.
        declared: what the owner says of the data.
        share: (i, n) of the i-th of n parts of one folder.
        listing: keyed mark of all that was listed there, the same in each of these parts; "" in a part of its own.
    """

    site: Name
    layout: Layout
    patient_source: PatientSource
    seed: Seed
    recipe: Recipe
    excluded: dict[Name, Annotated[int, Field(strict=True, ge=1, le=MOST)]]
    people: tuple[Hash, ...]
    cases: tuple[Hash, ...]
    key: Annotated[str, Field(pattern="^([0-9a-f]{16})?$")] = ""
    declared: Declarations = NOTHING_SAID
    share: tuple[_Part, _Part] = (1, 1)
    listing: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""

    @field_validator("share", mode="after")
    @classmethod
    def _is_one_of_them(cls, share: tuple[int, int]) -> tuple[int, int]:
        if share[0] > share[1]:
            raise Misfit("", share, "the i-th of n parts, i no larger than n")
        return share

    @classmethod
    def of(
        cls,
        site: Site,
        seed: int,
        extractor: Extractor,
        excluded: Mapping[str, int],
        cases: Iterable[tuple[int, str]],
        key: Key | None = None,
        share: tuple[int, int] = (1, 1),
    ) -> "Origin":
        """Of the cases of a site's folder, each given by its place in the site's list and its SHA-256."""
        known = [*cases]
        return cls(
            site=site.name,
            layout=site.layout,
            patient_source=cast("PatientSource", site.patient_source),
            seed=seed,
            recipe=recipe_of(extractor),
            excluded=dict(sorted(excluded.items())),
            people=() if key is None else tuple(sorted(_people(site, known, key))),
            cases=tuple(sorted(digest for _, digest in known)),
            key="" if key is None else key.name,
            declared=site.declared,
            share=share,
            listing="" if key is None or share[1] == 1 else _listing(site, key),
        )

    @property
    def fingerprint(self) -> str:
        """Of the site's content: `sites.fingerprint` of a folder that holds all these cases."""
        return fingerprint_of(self.cases)

    def beside(self, other: "Origin") -> bool:
        """Whether both are parts of one listing, and not the same one: no patient is in both."""
        return bool(self.listing) and self.listing == other.listing and self.share != other.share


def recipe_of(extractor: Extractor) -> Recipe:
    """How this version measures with `extractor`."""
    return Recipe(
        canvas=CANVAS,
        slices=SLICES,
        extractor=extractor.name,
        weights_sha256=extractor.sha256,
        basis_sha256=load_basis()[1],
        axes={name: axis.version for name, axis in AXES.items()},
    )


def _listing(site: Site, key: Key) -> str:
    """Parts of one folder are made at different times, and are parts of one whole only where all listed the same, and
    cut it into the same blocks."""
    digest = hashlib.sha256(repr((block_order.CANVASES, SLICES)).encode())
    for case in site.cases:
        digest.update(repr((case.name, case.patient, len(case.images))).encode())
    return key.mark(f"listing\0{digest.hexdigest()}")


def _people(site: Site, cases: Iterable[tuple[int, str]], key: Key) -> set[str]:
    """One mark a patient. File names start anew in every folder: a patient known by one goes by its content."""
    by_file = site.patient_source in ("file", "dicom", ONE_FILE)
    return {
        key.mark(digest if by_file and case.patient == case.name else f"{site.name}\0{case.patient}")
        for case, digest in ((site.cases[place], digest) for place, digest in cases)
    }
