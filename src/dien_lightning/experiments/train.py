"""Train a network on a labelled source and an unlabelled target, then rank both galleries.

dien train experiment=demo run_dir=outputs/first
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
import wandb
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Checkpoint, LambdaCallback
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_info

from dien_lightning import DIENModule, DomainPairDataModule
from dien_lightning.checks import check_bool, check_int
from dien_lightning.experiments.clusters import clusters_of
from dien_lightning.experiments.command import faults_in_one_sentence, run
from dien_lightning.experiments.config import check_epochs, check_own_files, check_paths, check_seed, optim, protocol
from dien_lightning.experiments.files import write_json
from dien_lightning.experiments.finished import read_finished
from dien_lightning.experiments.keys import CONF
from dien_lightning.experiments.launched import check_launched
from dien_lightning.experiments.metrics import read_rounds
from dien_lightning.experiments.provenance import describe, fingerprints_of, trials
from dien_lightning.experiments.ranked_lists import rankings
from dien_lightning.experiments.results import Results, check_figure
from dien_lightning.experiments.run_folder import (
    check_file,
    check_resumed,
    claim,
    config_of,
    held,
    keep_wandb_run,
    write_config,
)
from dien_lightning.experiments.settings import check_start, note_start, precision_of
from dien_lightning.experiments.threads import use_threads
from dien_lightning.experiments.tracking import start_loggers
from dien_lightning.experiments.translations import check_translated
from dien_lightning.network import save_network
from dien_lightning.processes import is_first_process
from dien_lightning.training import EpochChoice, RunningTime, SelfTrainingModule
from dien_lightning.training.choice import WITHIN_AN_EPOCH
from dien_lightning.training.counting import check_counting
from dien_lightning.training.interrupt import cluster, interrupts_passed_on

_MADE = ("network", "objective")


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def main(config: DictConfig) -> float | None:
    """One run, or one job of a sweep; gives the figure that a search maximises."""
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        config.run_dir = HydraConfig.get().runtime.output_dir
        config.group = config.group or Path(HydraConfig.get().sweep.dir).name
    with faults_in_one_sentence():
        check_own_files(config, HydraConfig.get().overrides.task)
        check_paths(config, "run_dir", "record")
    if OmegaConf.is_missing(config, "run_name"):
        config.run_name = Path(config.run_dir).resolve().name
    record = None if config.record is None else Path(config.record)
    OmegaConf.resolve(config)
    with faults_in_one_sentence():
        check_bool("resume", config.resume)
        check_bool("compile", config.compile)
        check_seed(config.seed)
        check_figure(config.optimized)
        note_start(config)
    if record is not None and record.exists():
        with faults_in_one_sentence():
            finished = read_finished(record, config, "Choose another record, or delete it.")
        rank_zero_info(f"{record} is there: this run is done and not run again.")
        return finished.figure(config.optimized)
    try:
        with faults_in_one_sentence(), held(Path(config.run_dir)):
            check_file("record", record)
            results = train(config)
    finally:
        wandb.finish()
    if record is not None and is_first_process():
        results.write(record)
    return results.figure(config.optimized)


def train(config: DictConfig) -> Results:
    """Fit, evaluate, and leave config.yaml, metrics.csv, checkpoints/ and results.json in the run's folder.

    Args:
        config: resolved.

    Raises:
        ValueError: input that cannot be trained on.
        FileExistsError: a folder that holds a run, or files that a run would overwrite.
    """
    running_time, run_dir = RunningTime(), Path(config.run_dir)
    counting, how = protocol(config), optim(config)
    check_epochs(config)
    check_start(config)
    checkpoint = claim(run_dir, config.resume)
    check_resumed(config, run_dir)
    check_translated(config)
    keep_wandb_run(config, run_dir)
    on_cpu = config.trainer.accelerator == "cpu" and isinstance(config.trainer.devices, int)
    if config.threads is None:
        config.threads = config_of(run_dir).get("threads")  # a resumed run adds in the order it began with
    config.threads = use_threads(config.threads, share=config.trainer.devices if on_cpu else 1)
    about = {**describe(config), "threads": config.threads}  # before the work: the code might be edited meanwhile
    pl.seed_everything(config.seed, verbose=False)
    data: DomainPairDataModule = instantiate(config.data, _convert_="all")
    data.prepare_data()
    data.setup()
    check_counting(data, counting)
    module = build_module(config, data, protocol=counting, compiled=config.compile, **how)
    data.setup("fit")
    trainer = build_trainer(config, run_dir, running_time, checkpoint)
    with interrupts_passed_on(trainer):
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
        results = replace(evaluate(trainer, module, data, run_dir), **about)
        results = replace(results, seconds=running_time.seconds, peak_memory=running_time.peak_memory)
    if trainer.is_global_zero:
        if isinstance(module, SelfTrainingModule) and module.labels is not None:
            clusters = clusters_of(module.labels.tolist(), config, data)
            write_json(run_dir / "clusters.json", clusters)
            results = replace(results, rounds=read_rounds(run_dir), purity=clusters["purity"])
        results.write(run_dir / "results.json")
        results.show(module.protocol)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                found = {key: getattr(results, key) for key in ("target", "source", "protocol")}
                logger.experiment.summary.update({key: value for key, value in found.items() if value})
    return results


def build_module(config: DictConfig, data: DomainPairDataModule, **options: Any) -> DIENModule:
    """What `module` names, made from network and objective as they are configured."""
    if config.get("rounds") is not None and "rounds" not in config.module:
        raise ValueError("rounds= is of experiment=self_training, which names its data, network and objective, too.")
    made = instantiate(config.module, _partial_=True, _convert_="all")
    makers = {name: config[name] and partial(instantiate, config[name], _convert_="all") for name in _MADE}
    return made(data=data, **makers, **options)


def build_trainer(
    config: DictConfig, run_dir: Path, running_time: RunningTime, checkpoint: Path | None = None
) -> pl.Trainer:
    """Lightning's Trainer with the run's callbacks and loggers, to go on from a checkpoint or to begin."""
    for name in ("fast_dev_run", "limit_val_batches", "limit_test_batches"):
        if name in config.trainer:
            raise ValueError(f"trainer.{name} would rank part of a gallery; data.steps_per_epoch=2 gives a quick run.")
    if "val_check_interval" in config.trainer:
        raise ValueError(WITHIN_AN_EPOCH)
    check_int("trainer.check_val_every_n_epoch", config.trainer.check_val_every_n_epoch, 1, "1 is after each epoch")
    if config.trainer.get("log_every_n_steps") is not None:
        check_int("trainer.log_every_n_steps", config.trainer.log_every_n_steps, 0, "0 logs no step")
    callbacks = [instantiate(callback) for callback in config.callbacks.values() if callback is not None]

    def begin(trainer: pl.Trainer, _module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            write_config(config, run_dir)  # only a training that can begin claims its folder

    precision = precision_of(config)
    if (config.trainer.precision, precision) == ("auto", "32-true"):
        rank_zero_info("Computing in float32: this machine has no bfloat16, which is two to three times as fast.")
    trainer: pl.Trainer = instantiate(
        config.trainer,
        precision=precision,
        plugins=cluster(),
        default_root_dir=str(run_dir),
        logger=False,  # so that what is refused leaves no run in W&B
        callbacks=[LambdaCallback(on_fit_start=begin), running_time, *callbacks],
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),  # none of Lightning's
        _convert_="all",
    )
    check_launched(trainer)
    trainer.loggers = start_loggers(config, run_dir, goes_on=checkpoint is not None)
    return trainer


def evaluate(trainer: pl.Trainer, module: DIENModule, data: DomainPairDataModule, run_dir: Path) -> Results:
    """Rank the galleries of target and source by the trained network, and by its passes.

    Where training gathered no target statistics (Base), the target is ranked a second time with statistics of its
    training images: the control that every table carries.
    """
    trainer.test(module, data, verbose=False)
    if trainer.is_global_zero:
        save_network(module.network, run_dir / "network.safetensors")
    domains = data.evaluation_domains  # none, where neither source nor target has a labelled query and gallery
    figures: dict[str, Any] = {name: module.results[name].figures() for name in domains}
    last = {"epochs": trainer.current_epoch, "network": "network.safetensors", "uses_target_labels": False}
    checkpoints: dict[str, Any] = {"last": {**last, **figures}}
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, EpochChoice):
            checkpoints |= callback.chosen()
    shared = data.source.shared if "source" in data.fingerprints else 0
    results = Results(
        **figures,
        passes=[result.figures() for name, result in module.results.items() if name.startswith("pass")],
        fusion_weights=module.network.fusion_weights(),
        checkpoints=checkpoints,
        protocol={
            **(module.results[domains[0]].describe() if domains else module.protocol.describe()),
            "precision": str(trainer.precision),
            "statistics": {name: module.network.statistics_for(name) for name in domains},
            **({"num_source_people_in_training": shared} if shared else {}),
            **trials(data),
        },
        fingerprints=fingerprints_of(data),
        images_per_second=module.images_per_second,
    )
    if "target" in domains:
        lists = rankings(module.metrics["target"], data)  # every process has to help
        if trainer.is_global_zero:
            write_json(run_dir / "rankings.json", lists)
        if module.network.statistics_for("target") == "source":
            if data.can_gather_statistics:
                module.gather_target_statistics = True
                trainer.test(module, data, verbose=False)
                counting = {**results.protocol, "gather_batch_size": data.gather_batch_size}
                return replace(
                    results, target_with_target_statistics=module.results["target"].figures(), protocol=counting
                )
            rank_zero_info(
                f"{data.target.root} gives no batch of two training images to gather batch-norm statistics from: "
                f"no control."
            )
    return results


if __name__ == "__main__":
    run(main)
