"""The machine: versions, images, free disk, GPU."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from shiftscope.federations.doctor.health_findings import HealthFinding, failed, fine, warned
from shiftscope.federations.package_versions import versions_here
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.printable_text import on_one_line

__all__ = ["data_folder", "disk", "gpu", "versions"]

_LITTLE_GB, _TOO_LITTLE_GB = 10.0, 1.0


def versions(wanted: Mapping[str, str]) -> Iterator[HealthFinding]:
    """What is installed here, against what the coordinator had when it wrote the invitation."""
    here = versions_here()
    for name, version in wanted.items():
        found = here.get(name)
        mend = f"install the coordinator's version: pip install '{name}=={version}'"
        if name == "shiftscope":
            mend = f"install the coordinator's version of shiftscope, {version}"
        if found is None:
            yield failed(f"version of {name}", f"it is not installed; the coordinator has {version}", mend)
        elif found == version:
            yield fine(f"version of {name}", f"{found}, as the coordinator's")
        elif name == "flwr" and _minor(found) != _minor(version):
            yield failed(f"version of {name}", f"{found} here, {version} at the coordinator: they may not talk", mend)
        else:
            yield warned(
                f"version of {name}", f"{found} here, {version} at the coordinator: numbers may differ a little", mend
            )


def data_folder(site: JoinedSite) -> Iterator[HealthFinding]:
    """Whether the site's images can be read, and whether they could be changed."""
    folder, mend = site.data, f"correct 'data' in {site.path / 'membership.json'}"
    shown = on_one_line(str(folder))
    if not folder.is_dir():
        yield failed("data folder", f"{shown} is not there, or is no folder", f"mount it, or {mend}")
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield failed("data folder", f"{shown} cannot be read by this user", "give this user the right to read it")
    elif not any(folder.iterdir()):
        yield failed("data folder", f"{shown} is empty", f"mount it, or {mend}")
    elif os.access(folder, os.W_OK):
        yield warned(
            "data folder",
            f"{shown} can be read, and changed by this user",
            "mount it read-only, or keep the line ReadOnlyPaths of the unit file",
        )
    else:
        yield fine("data folder", f"{shown} can be read, and not changed")


def disk(folder: Path) -> Iterator[HealthFinding]:
    """How much room there is for states and models."""
    free = shutil.disk_usage(folder).free / 1e9
    mend = f"make room where {folder} lies, or move the folder and set SHIFTSCOPE_HOME"
    if free < _TOO_LITTLE_GB:
        yield failed("free disk", f"{free:.1f} GB are free, and a run needs {_TOO_LITTLE_GB:g} GB at least", mend)
    elif free < _LITTLE_GB:
        yield warned("free disk", f"{free:.1f} GB are free", mend)
    else:
        yield fine("free disk", f"{free:.0f} GB are free")


def gpu() -> Iterator[HealthFinding]:
    """Whether there is a GPU that torch can use."""
    import torch

    if not torch.cuda.is_available():
        yield fine("GPU", "none that torch can use: models are trained on the CPU")
        return
    yield fine("GPU", ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())))


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
