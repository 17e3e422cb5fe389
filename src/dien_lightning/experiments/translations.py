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
    """
    folder = translation_of(config)
    if folder is not None and not (folder / RECORD).is_file():
        raise FileNotFoundError(
            f"translation={folder} has no {RECORD}: make it by dien translate run_dir={folder}, with this data, "
            f"direction and seed."
        )
