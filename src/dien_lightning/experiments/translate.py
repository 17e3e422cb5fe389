"""Translate source images into the target's look by SPGAN (Deng et al., 2018), for a training on them.

dien translate data=day2night run_dir=outputs/translated
dien train experiment=demo ablation=r01_base data.source_root=outputs/translated/images run_dir=outputs/spgan

images/ is then the whole source set with its training images translated, translated.jpg a sheet to look at (originals,
translations, target images as bright), translation.json what it took.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict
from pytorch_lightning.utilities import rank_zero_info

from dien_lightning import DomainPairDataModule
from dien_lightning.checks import amount, check_bool, check_path
from dien_lightning.data import Splits
from dien_lightning.data.images import skipping_offered
from dien_lightning.data.scanning import unreadable_files, unreadable_in_words
from dien_lightning.experiments.command import faults_in_one_sentence, run
from dien_lightning.experiments.config import check_epochs, check_own_files, check_seed
from dien_lightning.experiments.contact_sheet import write_contact_sheet
from dien_lightning.experiments.files import write_json
from dien_lightning.experiments.keys import CONF
from dien_lightning.experiments.metrics import last_losses
from dien_lightning.experiments.provenance import command_line, commit
from dien_lightning.experiments.run_folder import claim, config_of, held
from dien_lightning.experiments.settings import same_run
from dien_lightning.experiments.threads import use_threads
from dien_lightning.experiments.train import build_trainer
from dien_lightning.experiments.translations import IMAGES, RECORD, SHEET
from dien_lightning.pedestrians.dataset import MANIFEST
from dien_lightning.rivals.spgan import SPGANModule, check_image_size, check_translatable, write_translated_set
from dien_lightning.training import RunningTime
from dien_lightning.training.embedding import autocast
from dien_lightning.training.interrupt import interrupts_passed_on

_WRITTEN = (RECORD, SHEET, IMAGES, "metrics.csv", "checkpoints/last.ckpt")
_DECIDING = ("spgan", "data", "trainer", "seed")
_OWN = (*_DECIDING, "protocol", "callbacks", "run_dir", "data_root", "direction", "threads", "resume")


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="translate")
def main(config: DictConfig) -> None:
    """One translation, or one job of a sweep."""
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        config.run_dir = HydraConfig.get().runtime.output_dir
    with faults_in_one_sentence():
        own = own_settings(config, HydraConfig.get().overrides.task)
        check_bool("resume", own.resume)
        check_seed(own.seed)
        check_epochs(own)
        with held(Path(own.run_dir)):
            translate(own)


def own_settings(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """What a translation is told, resolved: an experiment also sets what is a training's."""
    check_own_files(config, overrides)
    check_path("run_dir", config.run_dir)
    run_dir = config.run_dir  # may name others
    with open_dict(config):
        config.run_dir, config.direction = run_dir, config.direction
        for name in [name for name in config if name not in _OWN]:
            del config[name]
        OmegaConf.resolve(config)
        config.logger = {}
    return config


def translate(config: DictConfig) -> None:
    """Train the networks, or go on, and write the set, the sheet and what it took.

    Args:
        config: as `own_settings` gives it.

    Raises:
        ValueError: input that cannot be trained on or translated.
        FileExistsError: a folder that holds a run, or files that this one would overwrite.
    """
    running_time, run_dir = RunningTime(), Path(config.run_dir)
    size = check_image_size(config.data.image_size)
    checkpoint = claim(run_dir, config.resume, _WRITTEN)
    before = config_of(run_dir)
    if before:
        remedy = "Resume it with its own settings (config.yaml), or choose another run_dir."
        same_run(f"run_dir={run_dir}", deciding(before), deciding(config), remedy)
    if (run_dir / RECORD).exists():
        rank_zero_info(f"{run_dir / RECORD} is there: this translation is done and not made again.")
        return
    config.threads = use_threads(before.get("threads") if config.threads is None else config.threads)
    about = {"command": command_line("translate"), "commit": commit()}  # the code might be edited meanwhile
    pl.seed_everything(config.seed, verbose=False)
    data: DomainPairDataModule = instantiate(config.data, _convert_="all")
    if not data.target_batch_size:
        raise ValueError(
            "target_batch_size=0 (data.target_batch_size) leaves out the target, whose look is learned; take more."
        )
    data.prepare_data()
    data.setup("fit")
    check_translatable(data.source)
    module: SPGANModule = instantiate(config.spgan, fingerprints=data.fingerprints, _convert_="all")
    trainer = build_trainer(config, run_dir, running_time, checkpoint)
    with interrupts_passed_on(trainer):
        trainer.fit(module, data.train_dataloader(), ckpt_path=checkpoint, weights_only=True)
    images, source = run_dir / IMAGES, without_unreadable(data.source) if data.on_error == "skip" else data.source
    if not images.exists():
        module.eval().to(trainer.strategy.root_device)  # which Lightning leaves after a training
        with autocast(module, str(trainer.precision)), skipping_offered():
            left_out = {record.path for record in data.source.train} - {record.path for record in source.train}
            others = [MANIFEST, *(str(Path(path).relative_to(source.root)) for path in left_out)]
            write_translated_set(source, images, module.translate, size, without=others)
    write_contact_sheet(run_dir / SHEET, source, data.target, images)
    write_json(
        run_dir / RECORD,
        {
            **about,
            "direction": config.direction,
            "seed": config.seed,
            "threads": config.threads,
            "precision": str(trainer.precision),
            "seconds": running_time.seconds,
            "peak_memory": running_time.peak_memory,
            "steps": trainer.global_step,
            "images": len(source.train),
            "losses": last_losses(run_dir, trainer.global_step - data.steps_per_epoch),
            "settings": deciding(config),
            "versions": {name: version(name) for name in ("torch", "pytorch-lightning")},
        },
    )
    print(f"{amount(len(source.train), 'image')} translated: {images}; look at {run_dir / SHEET}.")


def deciding(config: DictConfig) -> dict[str, Any]:
    """The settings that images depend on, as plain values."""
    found: Any = OmegaConf.to_container(config, resolve=True)
    return {name: found.get(name, {}) for name in _DECIDING}


def without_unreadable(source: Splits) -> Splits:
    """The set without the training images that cannot be read; says which."""
    faults = unreadable_files([record.path for record in source.train])
    if faults:
        print(unreadable_in_words(faults), file=sys.stderr)
    return replace(source, train=[record for record in source.train if record.path not in faults])


if __name__ == "__main__":
    run(main)
