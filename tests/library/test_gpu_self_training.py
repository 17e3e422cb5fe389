"""Self-training on a GPU: rounds label there what they label on the CPU, and a training goes on. `pytest -m gpu`.

DIEN_DEVICE=cpu lets the tests themselves be tried where there is none.
"""

from __future__ import annotations

import os

import pytest
import torch

from dien_lightning.training import Rounds
from library.training.test_rounds import crowd
from library.training.test_self_training import RESUMED, StopAfter, build, fit, pair

DEVICE = os.environ.get("DIEN_DEVICE", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="no CUDA device is here"),
    pytest.mark.filterwarnings("ignore:The .* does not have many workers"),
]


@pytest.mark.parametrize("options", [{}, {"reliable": True}, {"method": "pul", "num_clusters": 8}])
def test_labels_are_the_cpus_and_lie_there(options):
    embeddings, _ = crowd()
    rounds = Rounds(k1=6, k2=3, **options)
    found = rounds.label(embeddings.to(DEVICE)).labels
    assert found.device.type == "cpu"
    assert torch.equal(found, rounds.label(embeddings).labels)


@pytest.mark.parametrize("kind", RESUMED)
def test_a_training_goes_its_rounds_and_is_taken_up(kind, drawn_pair, tmp_path):
    accelerator = {"accelerator": "gpu" if DEVICE == "cuda" else "cpu", "devices": 1, "max_epochs": 3}
    stop = StopAfter(4, tmp_path / "run.ckpt")
    with pytest.raises(SystemExit):
        fit(build(**RESUMED[kind]), pair(drawn_pair), callbacks=[stop], **accelerator)
    module = build(**RESUMED[kind])
    run = fit(module, pair(drawn_pair), tmp_path / "run.ckpt", **accelerator)
    assert run.global_step == 9
    assert all(value.isfinite().all() for value in module.state_dict().values())
    assert module.labels.device.type == "cpu"
