"""A pair of domains drawn in seconds and a training of seconds: what soak and tests train on."""

from __future__ import annotations

from pathlib import Path

from dien_lightning.pedestrians import draw_pedestrians

LEAST = (
    "data.image_size=[64,32]",
    "data.num_ids=3",
    "data.num_instances=2",
    "data.target_batch_size=6",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "trainer.enable_progress_bar=false",
)
"""Batches and images as small as they can be, in float32 on the CPU; what is trained, and how long, is left open."""
SMALL = ("experiment=demo", "network.embedding_dim=16", "network.attention_loops=1", *LEAST)
"""DIEN on these, T = 1."""
TINY = (
    *SMALL,
    "network.backbone=mobilenet_v2",
    "data.steps_per_epoch=3",
    "trainer.max_epochs=3",
    "trainer.check_val_every_n_epoch=1",
)
"""Three epochs of three steps and a validation each, on a drawn pair of 6 + 4 identities."""


def draw_tiny_pair(root: Path) -> Path:
    """Draw pedestrians_day and pedestrians_night: 6 + 4 identities, 2 cameras, 2 images for each, 64 x 32.

    Args:
        root: gets both folders.

    Returns:
        `root`, for `data_root=`.
    """
    for domain in ("day", "night"):
        draw_pedestrians(
            root / f"pedestrians_{domain}",
            domain,
            num_train_ids=6,
            num_test_ids=4,
            num_cameras=2,
            images_per_camera=2,
            image_size=(64, 32),
            workers=1,
            progress=False,
        )
    return root
