"""The package as users import it: the names of design and README, and nothing that experiments need."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import dien_lightning

BLOCKED = ("hydra", "omegaconf", "wandb", "matplotlib", "jinja2", "psutil", "onnx", "onnxruntime")
SEARCH = ("pyarrow", "lancedb")
"""What `pip install dien-lightning` does not ask for, and what its extra `search` does."""


def said_by(code: str) -> str:
    """What a Python of its own prints."""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def imported_without(blocked: tuple[str, ...], names: str) -> set[str]:
    """The modules of the package whose names match a regular expression: all import without these others."""
    code = f"""
import importlib, pkgutil, re, sys
import pytorch_lightning, torchmetrics  # they take matplotlib where its files lie, whatever Python is told of it
sys.modules.update(dict.fromkeys({blocked!r}))
import dien_lightning
rooms = pkgutil.walk_packages(dien_lightning.__path__, "dien_lightning.", onerror=lambda name: None)
names = [room.name for room in rooms if re.search({names!r}, room.name)]
for name in names:
    importlib.import_module(name)
print(*names)
"""
    return set(said_by(code).split())


@pytest.mark.parametrize("search", [False, True])
def test_every_room_but_experiments_imports_without_what_experiments_need(search):
    if search:
        found = imported_without(BLOCKED, r"^(?!.*\.experiments).*\.search")
    else:
        found = imported_without(BLOCKED + SEARCH, r"^(?!.*\.(experiments|search))")
    assert f"dien_lightning.{'search.store' if search else 'training.module'}" in found


def test_without_the_rivals_everything_imports_but_their_own_commands():
    names = r"^(?!.*(\.rivals|\.experiments\.(umdl|translate)$|__main__$))"
    found = imported_without(("dien_lightning.rivals",), names)
    assert {"dien_lightning.experiments.train", "dien_lightning.experiments.table2"} <= found


def test_every_public_name_is_there_and_none_costs_torch_before_it_is_used():
    said_by("""
import sys, dien_lightning
assert set(dir(dien_lightning)) >= {*dien_lightning.__all__, "__version__"}
assert dien_lightning.__version__
assert not {"torch", "pytorch_lightning", "numpy"} & set(sys.modules)
assert dien_lightning.losses.DIENObjective
from dien_lightning import *
assert DIEN is dien_lightning.network.DIEN
""")


def imported(*files: Path) -> set[str]:
    """What files import of the package: the first name behind its own."""
    names = set()
    for node in itertools.chain.from_iterable(ast.walk(ast.parse(file.read_text())) for file in files):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("dien_lightning.")}


def test_each_room_imports_what_the_map_says():
    root = Path(dien_lightning.__file__).parent
    rooms = {folder.name for folder in root.iterdir() if (folder / "__init__.py").exists()} - {"experiments"}
    stones = {file.stem for file in root.glob("*.py")} - {"__init__", "__main__"}
    lines = (root.parents[1] / "CONTRIBUTING.md").read_text().splitlines()
    cells = [line.split("|") for line in lines if re.match(r"\| `\w+/` \|", line)]
    allowed = {row[1].strip(" `/"): set(re.findall(r"`(\w+)`", row[3])) for row in cells}
    assert rooms <= allowed.keys()
    for room in rooms:
        assert imported(*(root / room).rglob("*.py")) - stones - {room} <= allowed[room], room
    (row,) = [line for line in lines if line.startswith("| `types.py`")]
    assert set(re.findall(r"`(\w+)\.py`", row.split("|")[1])) == stones
    assert imported(*(root / f"{stone}.py" for stone in stones)) == set()


def test_a_name_that_is_not_there_is_told_as_python_does():
    with pytest.raises(AttributeError, match="module 'dien_lightning' has no attribute 'Dien'"):
        _ = dien_lightning.Dien


SMALLER = {
    '"data", source="market1501", target="msmt17", num_ids=16, num_instances=4': (
        "{root!r}, num_ids=3, num_instances=2, target_batch_size=6, image_size=(64, 32), eval_batch_size=2, "
        "num_workers=0"
    ),
    'backbone="resnet50", weights="imagenet", embedding_dim=2048, attention_loops=3': (
        'backbone="resnet18", weights=None, embedding_dim=16, attention_loops=1, image_size=(64, 32)'
    ),
    "embedding_dim=2048, center_weight": "embedding_dim=16, center_weight",
    "max_epochs=60": "max_epochs=1, accelerator='cpu', log_every_n_steps=1, default_root_dir={folder!r}",
    "check_val_every_n_epoch=10": "check_val_every_n_epoch=1, enable_progress_bar=False, enable_model_summary=False",
}


def lines_of_python(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / page).read_text(), flags=re.DOTALL)


def test_the_readmes_lines_of_python_embed_a_folder(drawn_pair, tmp_path, capsys):
    (code,) = lines_of_python("README.md")
    network = dien_lightning.DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=0, image_size=(64, 32))
    dien_lightning.save_network(network, tmp_path / "network.safetensors")
    code = code.replace("outputs/demo/dien", str(tmp_path)).replace(
        "data/pedestrians_night", f"{drawn_pair}/pedestrians_night"
    )
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["embeddings"].shape == (8, 16)
    assert capsys.readouterr().out.startswith("tensor([")


@pytest.mark.parametrize("is_labelled", [True, False])
def test_the_documented_lines_of_python_train_and_measure(is_labelled, drawn_pair, tmp_path, capsys):
    code, measuring, *_ = lines_of_python("docs/python.md")
    for line, smaller in SMALLER.items():
        assert code.count(line) == 1, line
        code = code.replace(line, smaller.format(root=str(drawn_pair), folder=str(tmp_path)))
    if not is_labelled:
        crops = drawn_pair / "pedestrians_night" / "bounding_box_train"
        code = code.replace("num_ids=3", f"target='folder', target_root={str(crops)!r}, num_ids=3")
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        for advice in ("The .* does not have many workers", "Starting from v1.9.0, `tensorboardX`"):
            warnings.filterwarnings("ignore", message=advice)
        exec(code, names)
    vectors, labels, cameras = torch.eye(4, 16), torch.tensor([1, 1, 2, 2]), torch.tensor([0, 1, 0, 1])
    for side in ("query", "gallery"):
        names |= {side: vectors, f"{side}_pids": labels, f"{side}_camids": cameras}
    exec(measuring, names)
    assert names["result"].num_valid_queries == 4
    assert names["embedding"].shape == (2, 16)
    said = capsys.readouterr().out
    assert ("target: rank1 0." in said or "target: rank1 1." in said) is is_labelled
    assert ("target: not evaluated: no labelled query and gallery was given" in said) is not is_labelled
    assert "source: rank1 " in said


def test_has_a_semantic_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", dien_lightning.__version__)
