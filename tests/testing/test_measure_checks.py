"""Every measure keeps every contract, and every contract can fail."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from shiftscope.measures import MEASURES, Measure
from shiftscope.measures.appearance import intensity, noise, texture
from shiftscope.testing import check_measure
from shiftscope.testing.measure_checks import MEASURE_CONTRACTS, Compute


def one_of(scalars: Callable[[torch.Tensor], dict[str, torch.Tensor]], name: str) -> Compute:
    return lambda grey: scalars(grey)[name]


def texture_scalars(grey: torch.Tensor) -> dict[str, torch.Tensor]:
    return texture.scalars(grey, noise.residual(grey))


def noise_scalars(grey: torch.Tensor) -> dict[str, torch.Tensor]:
    return noise.scalars(grey, intensity.foreground(grey), noise.residual(grey))


COMPUTED: dict[str, Compute] = {
    **{name: one_of(intensity.scalars, name) for name in ("brightness", "contrast")},
    **{name: one_of(texture_scalars, name) for name in texture.MEASURES},
    **{name: one_of(noise_scalars, name) for name in noise.MEASURES},
}
"""Those of a grey image; the others need colour or a mask, and have tests of their own."""


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_keeps_every_contract(name: str) -> None:
    assert MEASURES[name].name == name
    check_measure(MEASURES[name], COMPUTED.get(name))


def brightness(grey: torch.Tensor) -> torch.Tensor:
    return 255 * grey.mean(dim=(1, 2))


def in_place(grey: torch.Tensor) -> torch.Tensor:
    return grey.mul_(255).mean(dim=(1, 2))


def against_the_others(grey: torch.Tensor) -> torch.Tensor:
    return 128 + brightness(grey) - brightness(grey).mean()


SOUND = MEASURES["brightness"]

BROKEN: list[tuple[str, str, Measure, Any]] = [
    ("explains itself", "an empty `formula`", replace(SOUND, formula=" "), None),
    ("explains itself", "got the name 'Mean level'", replace(SOUND, name="Mean level"), None),
    ("explains itself", "a whole sentence", replace(SOUND, sentence="mean grey level"), None),
    ("has a fixed public range", "got the range 1 to 1", replace(SOUND, range=(1.0, 1.0)), None),
    ("gives a number for each image", "of shape ()", SOUND, lambda grey: grey.mean()),
    ("gives a number for each image", "written to", SOUND, in_place),
    ("lies in its range", "0% of phantoms", replace(SOUND, range=(300.0, 400.0)), brightness),
    ("judges each image alone", "alone than in a batch", SOUND, against_the_others),
]


@pytest.mark.parametrize(("contract", "said", "measure", "compute"), BROKEN)
def test_a_broken_measure_is_reported(contract: str, said: str, measure: Measure, compute: Any) -> None:
    check_measure(SOUND, brightness)
    with pytest.raises(AssertionError) as broken:
        check_measure(measure, compute)
    assert f"breaks the contract '{contract}': got " in str(broken.value)
    assert said in str(broken.value)


def test_every_contract_is_broken_by_somebody() -> None:
    assert {contract for contract, *_ in BROKEN} == MEASURE_CONTRACTS.keys()
