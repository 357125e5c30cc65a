"""The decoders of segmentation-models-pytorch, on any encoder of timm that they take."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from shiftscope.errors import PlanError
from shiftscope.measures.features.checkpoints import check_loaded
from shiftscope.plans import Plan
from shiftscope.training.models.model_parts import REFUSALS
from shiftscope.training.models.timm_networks import forget_checkpoint, require_timm, tensors_for

__all__ = ["PREFIX", "smp_network"]

PREFIX = "smp."
"""Before the name of a decoder's class."""


def smp_network(plan: Plan, weights: Path | None, channels: int, outputs: int) -> nn.Module:
    """The decoder that the plan's model names on the plan's encoder, which starts from `weights` where given.

    Raises:
        PlanError: no such decoder, no encoder, or one that the decoder or the file of weights does not fit.
    """
    import segmentation_models_pytorch as smp

    decoders = {decoder.__name__: decoder for decoder in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    name = plan.model.removeprefix(PREFIX)
    if name not in decoders:
        raise PlanError(f"model: no decoder {plan.model!r}; expected {', '.join(PREFIX + each for each in decoders)}")
    if plan.encoder is None:
        raise PlanError(f'encoder: {plan.model} stands on one; name a timm model, such as "tf_efficientnet_lite0"')
    require_timm(plan.encoder, "encoder")
    given: dict[str, Any] = {}
    try:
        tensors = tensors_for(plan.encoder, weights) if weights else None
    except (OSError, ValueError) as problem:
        raise PlanError(f"weights: {weights} cannot be loaded into {plan.encoder}: {problem}") from None
    if tensors is not None:
        given = {"encoder_weights": True, "pretrained_cfg_overlay": {"state_dict": dict(tensors)}}
    try:
        with _no_warning_of_what_is_left():
            network: nn.Module = decoders[name](
                f"tu-{plan.encoder}", in_channels=channels, classes=outputs, **{"encoder_weights": None, **given}
            )
    except REFUSALS as problem:
        said = str(problem).strip().rstrip(".") or type(problem).__name__
        raise PlanError(
            f"encoder: {plan.model} does not take {plan.encoder}{f' with {weights}' if weights else ''}: {said};"
            " choose another encoder or decoder"
        ) from None
    if tensors is not None:
        _check_encoder(network, tensors, plan, weights)
    return network


@contextmanager
def _no_warning_of_what_is_left() -> Iterator[None]:
    """timm logs, each time, that an encoder has no use for the file's classifier; what matters is checked after it."""
    log = logging.getLogger("timm.models._builder")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _check_encoder(network: Any, tensors: dict[str, Any], plan: Plan, weights: Path | None) -> None:
    try:
        check_loaded(network.encoder.model, tensors)
    except ValueError as problem:
        raise PlanError(f"weights: {weights} cannot be loaded into {plan.encoder}: {problem}") from None
    forget_checkpoint(network.encoder.model)
