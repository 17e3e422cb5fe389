"""The package as users import it: the names of design and README, and nothing that experiments need."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import dien_lightning

BLOCKED = ("hydra", "omegaconf", "wandb")


def test_imports_without_hydra_and_wandb():
    code = f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r})); import dien_lightning"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_every_public_name_is_there_and_none_costs_torch_before_it_is_used():
    code = """
import sys, dien_lightning
assert set(dir(dien_lightning)) >= {*dien_lightning.__all__, "__version__"}
assert dien_lightning.__version__
assert not {"torch", "pytorch_lightning", "numpy"} & set(sys.modules)
assert dien_lightning.losses.DIENObjective
from dien_lightning import *
assert DIEN is dien_lightning.network.DIEN
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


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


@pytest.mark.parametrize("is_labelled", [True, False])
def test_the_readmes_lines_of_python_run(is_labelled, drawn_pair, tmp_path, capsys):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
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
    assert names["embedding"].shape == (2, 16)
    said = capsys.readouterr().out
    assert ("target: rank1 0." in said or "target: rank1 1." in said) is is_labelled
    assert ("target: not evaluated: it has no labelled query and gallery" in said) is not is_labelled
    assert "source: rank1 " in said


def test_has_a_semantic_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", dien_lightning.__version__)
