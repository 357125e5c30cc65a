"""Methods that train the head and the body apart: FedRep, FedBABU, and linear probing before fine-tuning."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from shiftscope.training.algorithms.local_rounds import Round, run_steps
from shiftscope.training.models.layers import head

__all__ = ["body_round", "head_then_body_round", "only", "probe_then_tune", "tune_all", "tune_head"]

HEAD_SHARE = 0.5
"""Share of a round's steps that FedRep gives to the head; the same total as everyone."""


@contextmanager
def only(model: nn.Module, names: frozenset[str]) -> Iterator[list[nn.Parameter]]:
    """Inside, gradients reach only the parameters named; running statistics go on."""
    before = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(before[name] and name in names)
        parameter.grad = None
    try:
        yield [parameter for parameter in model.parameters() if parameter.requires_grad]
    finally:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(before[name])


def head_then_body_round(model: nn.Module, round_: Round) -> float:
    """FedRep (Collins et al. 2021, arXiv:2102.07078): first the head's steps, then the body's."""
    mine, steps = head(model), round_.plan.local_steps
    turn = round(HEAD_SHARE * steps)
    loss = float("nan")
    for names, window in ((mine, range(turn)), (frozenset(dict(model.named_parameters())) - mine, range(turn, steps))):
        if window:
            with only(model, names) as parameters:
                loss = run_steps(model, round_, parameters=parameters, window=window)
    return loss


def body_round(model: nn.Module, round_: Round) -> float:
    """FedBABU (Oh et al. 2022, arXiv:2106.06042): the head stays as it was drawn, the body learns to fit it."""
    with only(model, frozenset(dict(model.named_parameters())) - head(model)) as parameters:
        return run_steps(model, round_, parameters=parameters)


def tune_all(model: nn.Module, round_: Round) -> None:
    """FedBABU's end: the whole model learns, at the site alone, in the rounds left for it, as the paper's main result
    has it."""
    for number in _left(round_):
        round_.number = number
        run_steps(model, round_)


def tune_head(model: nn.Module, round_: Round) -> None:
    """The paper's other end: the head alone learns."""
    with only(model, head(model)) as parameters:
        for number in _left(round_):
            round_.number = number
            run_steps(model, round_, parameters=parameters)


def probe_then_tune(model: nn.Module, round_: Round) -> None:
    """Linear probing, then fine-tuning (Kumar et al. 2022, arXiv:2202.10054), in the rounds left for it.

    The first half goes to the head alone. The rate is the run's own, which has fallen to about a tenth by then.
    """
    steps = round_.plan.local_steps
    windows = [(number, range(steps)) for number in _left(round_)]
    half = len(windows) * steps // 2
    for place, (number, window) in enumerate(windows):
        round_.number = number
        turn = min(max(half - place * steps, 0), steps)
        with only(model, head(model)) as parameters:
            run_steps(model, round_, parameters=parameters, window=range(turn))
        run_steps(model, round_, window=range(turn, window.stop))


def _left(round_: Round) -> range:
    """Numbers of the rounds that are not spent together."""
    return range(round_.federated + 1, round_.rounds + 1)
