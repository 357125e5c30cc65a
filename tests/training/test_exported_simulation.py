"""An exported app in Flower's own processes, by the commands of its README."""

import os
import re
import shlex
import sys
import time
from pathlib import Path
from socket import create_connection

import numpy as np
import pytest
from safetensors.numpy import load_file
from small_hospitals import plan_for

import shiftscope
from shiftscope.training.federation.flower.processes import Processes, adopting, free_port, tool
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.states import load_checkpoint

pytestmark = pytest.mark.slow

START_S, RUN_S = 180, 600
PORT = "9095"


def test_flwr_run_gives_the_weights_of_train(pair: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(pair, image_size=16)
    train(plan, pair, RunOptions(engine="inline", out=tmp_path / "ours"))
    app, log = tmp_path / "app", tmp_path / "flower.log"
    shiftscope.export_app(plan, app, data=pair)
    settings, link, run = commands_of((app / "README.md").read_text(), app)
    port = str(free_port())
    connections = app / ".flwr" / "config.toml"
    connections.write_text(connections.read_text().replace(PORT, port))
    with adopting():
        processes = Processes({**settings, "PATH": path_of_an_environment()}, app, log)
        try:
            processes.start(tool(link[0]), *[port if item == PORT else item for item in link[1:]])
            wait_for(int(port), log)
            assert processes.start(tool(run[0]), *run[1:]).wait(RUN_S) == 0, log.read_text()
        finally:
            processes.stop()
    results = list((app / "runs").glob("*/result.json"))
    assert results, log.read_text()
    found = load_file(results[0].with_name("weights.safetensors"))
    ours = load_checkpoint(tmp_path / "ours" / "checkpoints" / "baseline-seed0.safetensors")
    assert ours is not None
    assert found.keys() == ours.shared.keys()
    for name, tensor in found.items():
        np.testing.assert_allclose(tensor, ours.shared[name], rtol=1e-6, atol=1e-7, err_msg=name)


def commands_of(readme: str, app: Path) -> tuple[dict[str, str], list[str], list[str]]:
    """The variables and the two commands that the README shows for Flower's simulation."""
    block = re.search(r"## In Flower's simulation.*?```bash\n(.*?)```", readme, flags=re.S)
    assert block is not None
    lines = [shlex.split(line.removesuffix("&").replace("$PWD", str(app))) for line in block[1].splitlines()]
    settings = dict(item.split("=", 1) for line in lines if line[0] == "export" for item in line[1:])
    link, run = (line for line in lines if line[0] in ("flower-superlink", "flwr"))
    assert set(settings) >= {"FLWR_HOME", "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"}
    return settings, link, run


def path_of_an_environment() -> str:
    """PATH as it is where this environment is active: Flower finds its helpers there."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def wait_for(port: int, log: Path) -> None:
    """Until the SuperLink listens."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        else:
            return
