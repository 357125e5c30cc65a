"""Ditto (Li et al. 2021, arXiv:2012.04221): a personal model beside the global one, held near it."""

from torch import nn

from shiftscope.training.algorithms.local_rounds import Round, run_steps
from shiftscope.training.algorithms.methods.prox import near
from shiftscope.training.algorithms.methods.twins import remember, twin_of

__all__ = ["LAMBDA", "ditto_round", "take_personal"]

LAMBDA = 0.1
"""Pull of the personal model towards the global one; the paper tries .05 to 2."""

NAME = "personal"


def ditto_round(model: nn.Module, round_: Round, pull: float = LAMBDA) -> float:
    """The global model's steps, then the personal one's on loss + pull / 2 |v - w|^2, w as it came from the server."""
    personal = twin_of(model, round_, NAME)
    anchor = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    loss = run_steps(model, round_, counts=False)
    run_steps(personal, round_, near(anchor, pull))
    remember(personal, round_, NAME)
    return loss


def take_personal(model: nn.Module, round_: Round) -> None:
    """The personal model is the one that is used."""
    model.load_state_dict(twin_of(model, round_, NAME).state_dict())
