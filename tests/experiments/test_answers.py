"""docs/from-crops-to-answers.md: each command as it is printed there, in its order, at tiny settings."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from dien_lightning.experiments import cli
from dien_lightning.network import Calibration, load_network
from proofs.tiny import TINY

PAGE = (Path(__file__).parents[2] / "docs" / "from-crops-to-answers.md").read_text()
SMALLER = {
    "draw": shlex.split(
        "num_train_ids=6 num_test_ids=22 num_cameras=3 images_per_camera=2 height=64 width=32 workers=1"
    ),
    # Of its nine steps MobileNetV2 makes, on some processors, a network that calibrate rightly refuses.
    "train": [
        word
        for word in TINY
        if word.partition("=")[0] not in ("experiment", "network.attention_loops", "network.backbone")
    ],
}


def commands_of(page: str) -> list[list[str]]:
    return [shlex.split(line) for line in re.findall(r"^    dien (.*)$", page, flags=re.MULTILINE)]


def test_each_command_of_the_page_runs_and_the_onnx_answers(tmp_path, dien, monkeypatch):
    monkeypatch.chdir(tmp_path)
    served = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: served.append(sockets[0].getsockname()[0]))
    said = {}
    for command, *words in commands_of(PAGE):
        pictures = sorted(map(str, Path("data/pedestrians_night/query").glob("*.jpg")))
        named = dict(zip(("ONE", "OTHER"), pictures, strict=False))
        words = [named.get(Path(word).name, word) for word in words]  # noqa: PLW2901
        done = dien(command, *words, *SMALLER.get(command, [])).done()
        said[command] = said.get(command, "") + done.stdout
    assert set(said) <= set(cli.COMMANDS)
    assert len(said) == len(
        {*said, "draw", "train", "embed", "search", "store", "calibrate", "same", "export", "serve"}
    )
    assert re.search(r"look (alike|somewhat alike|unlike): distance .*strangers looks? this alike", said["same"], re.S)
    assert "Written to outputs/answers/network.onnx" in said["export"]
    assert served == ["127.0.0.1"]
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(code.replace("query/ONE", f"query/{Path(pictures[0]).name}").replace("(64, 128)", "(32, 64)"), names)
    np.testing.assert_allclose(np.linalg.norm(names["embedding"], axis=1), 1, atol=1e-5)
    kept = Calibration.loads(names["session"].get_modelmeta().custom_metadata_map["calibration"])
    assert kept.about == load_network("outputs/answers/network.safetensors").calibration.about
