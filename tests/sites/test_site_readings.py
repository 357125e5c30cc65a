"""A site's reading in one table: what it holds, and what looks odd, most suspicious first."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from shiftscope.images import Image, LabelMap
from shiftscope.images.masks.suspicious_masks import suspicions_of
from shiftscope.images.oddities import ODDITIES
from shiftscope.sites import Case, CaseReading, Site, SiteReading, overview, read_site

RNG = np.random.default_rng(5)


def picture(**changes: object) -> Image:
    pixels = RNG.uniform(0.2, 0.6, (1, 32, 24)).astype(np.float32)
    return Image(**({"pixels": pixels, "display": (0.0, 1.0)} | changes))  # type: ignore[arg-type]


def disc(share: float) -> np.ndarray:
    """(1, 32, 24) with so many ones, at random."""
    return (RNG.random((1, 32, 24)) < share).astype(np.uint8)


def label_map(labels: np.ndarray | None) -> LabelMap | None:
    return None if labels is None else LabelMap(labels, odd=suspicions_of(labels))


def reading_of(
    images: list[Image], masks: list[np.ndarray | None] | None = None, notes: tuple[str, ...] = ()
) -> SiteReading:
    cases = tuple(Case(f"c{n:02d}", (Path("x.png"),), patient=f"p{n // 2}") for n in range(len(images)))
    reading = SiteReading(Site("a", Path(), "images", cases, "regex", (), {}, notes=notes))
    for case, image, mask in zip(cases, images, masks or [None] * len(images), strict=True):
        reading.add(CaseReading.of(case, image, label_map(mask)))
    return reading


def test_the_table_counts_what_is_there() -> None:
    images = [picture(modality="CT", spacing_mm=(5.0, 0.5, 0.5)) for _ in range(3)]
    volume = picture(pixels=np.linspace(-1000, 500, 4 * 64 * 48, dtype=np.float32).reshape(4, 64, 48), modality="CT")
    found = reading_of([*images, volume], [disc(0.5), disc(0.5), disc(0.5), None]).to_dict()["found"]
    assert found["cases"] == "4 read of 4"
    assert found["patients"] == "2, 2 cases each"
    assert found["modality"] == "CT (4)"
    assert found["size"] == "32 x 24 (3), 64 x 48 (1); 4 slices"
    assert found["pixel"] == "0.5 mm, slices 5 mm"
    assert found["values"].startswith("-1e+03 to 500, ")
    assert found["masks"].startswith("3: 0 empty, 0 nearly full, ")
    assert found["left out"] == "nothing"


def test_an_ordinary_site_is_not_odd() -> None:
    masks: list[np.ndarray | None] = [disc(0.1) for _ in range(12)]
    assert reading_of([picture() for _ in range(12)], masks).to_dict()["odd"] == []


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (0.0, "all 12 masks are empty"),
        (1.0, "masks cover 100% of their images, at the median: are they drawn in reverse?"),
    ],
)
def test_masks_that_say_nothing(share: float, says: str) -> None:
    masks: list[np.ndarray | None] = [disc(share) for _ in range(12)]
    assert reading_of([picture() for _ in range(12)], masks).to_dict()["odd"][0].startswith(says)


def test_one_mask_for_all_is_a_field_of_view() -> None:
    odd = reading_of([picture() for _ in range(12)], [disc(0.6)] * 12).to_dict()["odd"]
    assert len(odd) == 1
    assert odd[0].startswith("masks are nearly the same in all 12 cases and cover 6")


def test_a_few_of_another_modality_and_colour() -> None:
    colour = picture(pixels=RNG.uniform(0.2, 0.6, (1, 32, 24, 3)).astype(np.float32), modality="OT")
    odd = reading_of([*(picture(modality="CT") for _ in range(19)), colour]).to_dict()["odd"]
    assert odd == [
        "1 cases are of another modality than the rest: OT (1, first c19)",
        "1 images have colour, and 19 are grey",
    ]


def test_a_negative_among_positives_and_a_black_image() -> None:
    images = [picture() for _ in range(18)]
    images += [
        picture(pixels=np.zeros((1, 32, 24), np.float32)),
        picture(pixels=np.full((1, 32, 24), 0.95, np.float32)),
    ]
    odd = reading_of(images).to_dict()["odd"]
    assert odd[0].startswith("the darkest image, c18, shows nothing")
    assert odd[1].startswith("the brightest image, c19, is far from the rest: 0.95")


def test_oddities_of_cases_come_before_what_was_told_of_the_folder() -> None:
    code = "burned_in"
    images = [picture(odd=(code,)), *(picture() for _ in range(3))]
    odd = reading_of(images, notes=("4 channels a case",)).to_dict()["odd"]
    assert odd == [f"in 1 of 4 cases, first c00: {ODDITIES[code]}", "4 channels a case"]


def test_a_dry_run_reads_cases_spread_over_the_site(tmp_path: Path) -> None:
    for n in range(10):
        Pillow.fromarray(RNG.integers(50, 200, (16, 16), dtype=np.uint8)).save(tmp_path / f"{n}.png")
    (tmp_path / "9.png").write_bytes(b"")
    values = overview(read_site(tmp_path), read=5, listed=2)
    assert values["reading"]["found"]["cases"] == "5 read of 10"
    assert list(values["first"]) == ["0", "2"]


def test_where_others_read_it_nobody_is_named() -> None:
    code = "burned_in"
    images = [
        picture(odd=(code,), modality="JANE^DOE"),
        *(picture(modality="MR") for _ in range(30)),
        picture(modality="MR"),
    ]
    images[-1].pixels[:] = 0
    masks: list[np.ndarray | None] = [disc(1.0), *(disc(0.1) for _ in range(30)), disc(0.0)]
    reading = reading_of(images, masks, notes=("folder Miller was left out",))
    named, nameless = reading.oddities(), reading.oddities(named=False)
    assert len(nameless) == len(named) - 1
    assert len(nameless) >= 5
    assert not any(name in text for name in ("c00", "c31", "Miller", "JANE") for text in nameless)
    assert any("JANE" in text for text in named)
    assert sum("c00" in text or "c31" in text for text in named) == len(nameless)


def test_values_of_their_own_are_no_shares_of_white() -> None:
    """A volume whose file says no modality is no picture, and 1 is not its white."""
    volume = picture(pixels=np.linspace(0, 900, 4 * 32 * 24, dtype=np.float32).reshape(4, 32, 24), display=(5.0, 880.0))
    found = reading_of([volume] * 2).to_dict()["found"]
    assert found["modality"] == "none stated (2)"
    assert "white" not in found["values"]
    assert reading_of([picture()]).to_dict()["found"]["values"].endswith("1 is full white")


def test_single_slices_of_volumes_are_reported() -> None:
    slices = [picture(modality="CT") for _ in range(12)]
    reading = reading_of(slices)
    assert reading.to_dict()["odd"] == []  # two of a patient
    cases = tuple(replace(case, patient=f"p{n // 6}") for n, case in enumerate(reading.site.cases))
    reading.site = replace(reading.site, cases=cases)
    [notes] = reading.to_dict()["odd"]
    assert notes.startswith("12 of 12 cases are single slices of CT, MR or PET, and a patient has 6 of them")
