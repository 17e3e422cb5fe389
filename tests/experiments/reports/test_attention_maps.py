from __future__ import annotations

import pytest
import torch
from PIL import Image
from torch.nn.functional import cosine_similarity

from dien_lightning import DIEN
from dien_lightning.experiments.reports.attention_maps import attention_maps, figure_4


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=2, image_size=(64, 32)).eval()
    for parameter in network.attention.parameters():
        torch.nn.init.normal_(parameter, std=0.5)  # masks that differ from 1, so that the passes differ
    return network


@pytest.fixture(scope="module")
def images():
    return torch.randn(2, 2, 3, 64, 32, generator=torch.Generator().manual_seed(1))


def test_a_map_for_every_pass_and_a_mask_for_every_loop(network, images):
    maps = attention_maps(network, *images, stage=3)
    assert maps.cams.shape == (3, 2, 4, 2)
    assert maps.masks.shape == (2, 2, 16, 8)
    assert float(maps.cams.min()) >= 0
    assert float(maps.cams.max()) == pytest.approx(1)
    assert not torch.equal(maps.cams[0], maps.cams[1])
    assert not maps.cams.requires_grad


def test_pass_0_is_grad_cam_of_the_network_without_attention(network, images):
    image, reference = images[0], images[1]
    plain = DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=0, image_size=(64, 32)).eval()
    own = {
        name: tensor[:, :1] if "running_" in name or "batches" in name else tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith(("attention", "fusion"))
    }
    plain.load_state_dict(own)
    blocks = plain.backbone.blocks
    features = image
    for block in blocks[:4]:
        features = block(features)
    features = features.detach().requires_grad_()
    pooled = blocks[4](features)
    pooled = torch.cat([pooled.mean((2, 3)), pooled.amax((2, 3))], 1)
    score = cosine_similarity(plain.embedding(pooled), plain(reference).embedding.detach())
    score.sum().backward()
    for number in range(2):  # the slow loop: one image, one channel after the other
        expected = torch.zeros(4, 2)
        for channel in range(features.shape[1]):
            expected += features.grad[number, channel].mean() * features[number, channel].detach()
        expected = expected.clamp(min=0)
        found = attention_maps(network, image, reference, stage=3).cams[0, number]
        assert torch.allclose(found, expected / expected.max(), atol=1e-5)


def test_the_order_of_the_images_changes_nothing_else(network, images):
    maps, turned = (attention_maps(network, *pair, stage=3) for pair in (images, images.flip(1)))
    assert torch.allclose(maps.cams, turned.cams.flip(1), atol=1e-5)


def test_masks_that_start_at_one_are_one_everywhere(images):
    network = DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=1, image_size=(64, 32)).eval()
    maps = attention_maps(network, *images)
    assert bool((maps.masks == 1).all())


def test_a_stage_that_runs_once_is_told(network, images):
    with pytest.raises(ValueError, match="stage=1 runs once for all passes"):
        attention_maps(network, *images, stage=1)


def test_the_grid_has_a_picture_for_every_pass_and_mask(network, images):
    pictures = [Image.new("RGB", (32, 64), color) for color in ("red", "blue")]
    grid = figure_4(pictures, pictures, attention_maps(network, *images, stage=3))
    assert grid.headings == ("image", "match", "CAM, pass 0", "CAM, pass 1", "CAM, pass 2", "mask 1", "mask 2")
    assert [len(row) for row in grid.rows] == [7, 7]
    assert "cosine similarity" in grid.caption
    assert grid.rows[1][5].alt.startswith("image 2, mask 1, from ")
