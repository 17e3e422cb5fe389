"""What `dien translate` leaves, and whether a training that wants it finds it."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

IMAGES, SHEET, RECORD = "images", "translated.jpg", "translation.json"
"""The translated set, the sheet to look at, and what it took: written last."""


def translation_of(config: DictConfig) -> Path | None:
    """The folder of the translation that a training takes its source from; None where it takes the source as it is."""
    return Path(config.translation) if config.get("translation") else None


def check_translated(config: DictConfig) -> None:
    """Refuse to train on a translation that is not there, where a drawn set would be drawn in its place.

    Args:
        config: of `dien train`.

    Raises:
        FileNotFoundError: `translation` names a folder without a finished one.
        ValueError: the source is not that folder's images.
    """
    if "translation" not in config:
        return
    folder, source = Path(str(config.translation)), config.data.source_root
    if Path(str(source)) != folder / IMAGES:
        raise ValueError(
            f"data.source_root={source} is not {folder / IMAGES}, which a run with translation={folder} is trained on: "
            f"leave the key out here; dien translate takes it, for the originals."
        )
    if not (folder / RECORD).is_file():
        raise FileNotFoundError(
            f"translation={folder} has no {RECORD}: make it by dien translate run_dir={folder}, with this data, "
            f"direction and seed."
        )
