"""Every algorithm keeps every contract; a new member is taken up as soon as it is in a family."""

import pytest

from shiftscope.testing import check_algorithm
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS, find_algorithm

PERSONAL = {*PERSONALIZERS, "local"}
"""Sites end with models of their own."""

ALSO_SENT = {"fedala": ("own/",)}
"""FedALA remembers the end of its own round, which it also sent as its update."""


@pytest.mark.parametrize("name", [*CONTROLS, *PERSONALIZERS])
def test_every_algorithm_keeps_every_contract(name: str) -> None:
    check_algorithm(find_algorithm(name), name=name, personal=name in PERSONAL, also_sent=ALSO_SENT.get(name, ()))
