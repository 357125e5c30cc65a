"""The folder that `flwr run` is given."""

import json
from collections.abc import Mapping
from pathlib import Path

import flwr

__all__ = ["SERVER", "app_folder"]

_APP = """\
[project]
name = "shiftscope-job"
version = "1.0.0"
description = "A shiftscope job on Flower"
license = {{file = "LICENSE"}}
dependencies = ["flwr>={version}"]

[tool.flwr.app]
publisher = "shiftscope"
fab-format-version = 1
flwr-version-target = "{version}"

[tool.flwr.app.components]
serverapp = "{server}"
clientapp = "shiftscope.training.federation.flower.client:client"

[tool.flwr.app.config]
{config}
"""

SERVER = "shiftscope.training.federation.flower.server:server"


def app_folder(scratch: Path, config: Mapping[str, str], server: str = SERVER) -> Path:
    """Write the app.

    Args:
        scratch: where its folder is made.
        config: what the two components find in their configuration.
        server: the coordinator's component.
    """
    folder = scratch / "job"
    folder.mkdir()
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in config.items())
    text = _APP.format(version=flwr.__version__, server=server, config=lines)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    (folder / "LICENSE").write_text("Apache-2.0\n", encoding="utf-8")
    return folder
