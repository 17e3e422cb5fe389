"""Train dictionaries over hand-made features, UMDL of Table II, and rank the target's gallery by them; no network.

dien umdl data=day2night seed=0 [run_dir=outputs/table2/umdl_day2night_0]

Dictionaries are kept in run_dir as they come, features in strips=DIR for every run on the same images: the same command
goes on with a run that was killed, and leaves a finished one as it is. learning=null ranks by the features alone, with
center=true less the mean of their camera: what the dictionaries have to beat.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import hydra
import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import track
from threadpoolctl import threadpool_limits

from dien_lightning import DomainPairDataModule, Protocol, RetrievalMetric
from dien_lightning.atomic import one_process_at_a_time
from dien_lightning.checks import check_bool, check_keywords
from dien_lightning.data.images import skipping_offered, warn_of_skipped
from dien_lightning.data.scanning import unreadable_files
from dien_lightning.experiments.command import faults_in_one_sentence, run
from dien_lightning.experiments.config import check_paths, check_seed, protocol
from dien_lightning.experiments.cost import Cost, total
from dien_lightning.experiments.files import write_json
from dien_lightning.experiments.finished import read_finished
from dien_lightning.experiments.keys import CONF
from dien_lightning.experiments.provenance import command_line, commit, fingerprints_of, trials
from dien_lightning.experiments.ranked_lists import rankings
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.run_folder import check_file, config_of, held, write_config
from dien_lightning.experiments.settings import counted, same_run
from dien_lightning.experiments.threads import use_threads
from dien_lightning.rivals.umdl import UMDL, Images, StripFeatures, contents, digest, load_progress, save_progress
from dien_lightning.training.counting import check_counting

_SETTINGS = ("data", "features", "learning")
ROWS = {"umdl": [], "umdl_features": ["learning=null"], "umdl_centered": ["learning=null", "center=true"]}
"""Table II's, each by the key=value that makes it."""


def row_of(learning: Any, center: Any) -> str:
    """The row that such a run is of."""
    chosen = ["learning=null"] * (learning is None) + ["center=true"] * (center is True)
    return next((row for row, words in ROWS.items() if words == chosen), "umdl")


OmegaConf.register_new_resolver("umdl_row", row_of, replace=True)


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="umdl")
def main(config: DictConfig) -> None:
    """One run, or one job of a sweep, unless it is finished."""
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        config.run_dir = HydraConfig.get().runtime.output_dir
    OmegaConf.resolve(config)
    with faults_in_one_sentence():
        check_paths(config, "run_dir", "strips", "record")
    run_dir, record = Path(config.run_dir), None if config.record is None else Path(config.record)
    with faults_in_one_sentence(), held(run_dir):
        check_seed(config.seed)
        finished = next((path for path in (record, run_dir / "results.json") if path and path.is_file()), None)
        if finished:
            results = read_finished(finished, config, "Choose another run_dir and record.", conditions_of=conditions_of)
            print(f"{finished} is there: this run is done and not run again.")
        else:
            check_file("record", record)
            results = learn(config, run_dir)
        if record is not None and not record.is_file():
            results.write(record)


def learn(config: DictConfig, run_dir: Path) -> Results:
    """Compute features, learn dictionaries, rank; leave results.json and rankings.json in the run's folder.

    Raises:
        ValueError: data or settings that cannot be learned from, or a folder of another run.
    """
    if before := config_of(run_dir):
        same_run(f"run_dir={run_dir}", conditions_of(before), conditions_of(config), "Choose another run_dir.")
    if config.data.source is None:
        raise ValueError("data.source=null has nothing to learn from; name a labelled set.")
    check_bool("center", config.center)
    if config.center and config.learning is not None:
        raise ValueError("center=true is of learning=null: dictionaries find the cameras themselves.")
    counting = protocol(config)
    data: DomainPairDataModule = instantiate(config.data, _convert_="all")
    check_keywords("features", config.features, StripFeatures)
    strips = StripFeatures(data.image_size, **config.features)
    learner = None
    if config.learning is not None:
        check_keywords("learning", config.learning, UMDL)
        learner = UMDL(**config.learning, seed=config.seed)
    data.prepare_data()
    data.setup()
    if "target" not in data.evaluation_domains:
        raise ValueError(f"{data.target.root} has no labelled query and gallery to rank; name a set that has.")
    if not data.target.train and (config.learning is not None or config.center):
        raise ValueError(f"{data.target.root} has no training images to learn from or center by; name a set that has.")
    check_counting(data, counting)
    write_config(config, run_dir)
    threads = use_threads(config.threads)
    with threadpool_limits(threads):
        with skipping_offered():
            images = read(data, strips, Path(config.strips))
        cost = Cost(run_dir / "cost.json")
        if learner is not None:
            embedding = embed(images, learner, run_dir, cost)
        else:
            embedding = centered(images) if config.center else images.evaluated.features
    metric = ranked(embedding, images.places, data, counting)
    found = metric.compute()
    results = Results(
        target=found.figures(),
        protocol={**found.describe(), **trials(data)},
        fingerprints=fingerprints_of(data),
        threads=threads,
        row=config.row,
        direction=config.direction,
        seed=config.seed,
        command=command_line("umdl"),
        settings=settings_of(config),
        commit=commit(),
        **total(images.cost, cost.count()),
    )
    write_json(run_dir / "rankings.json", rankings(metric, data))
    results.write(run_dir / "results.json")
    results.show(counting)
    return results


class Features(NamedTuple):
    """What the pixels gave.

    Attributes:
        source: labelled images.
        target: unlabelled ones.
        evaluated: of the target's query and gallery, one after the other, without those that cannot be read.
        places: of these among all of query and gallery.
        fingerprint: of images and settings.
        cost: seconds and memory of their computation, whoever asked for it.
    """

    source: Images
    target: Images
    evaluated: Images
    places: list[int]
    fingerprint: str
    cost: dict[str, Any]


def read(data: DomainPairDataModule, strips: StripFeatures, folder: Path) -> Features:
    """The features of all images; those that another run on the same ones left are taken as they lie there."""
    unread, listed = unreadable(data), list(itertools.chain(*data.evaluation_records("target")))
    places = [place for place, record in enumerate(listed) if record.path not in unread]
    source, target = ([r for r in side.train if r.path not in unread] for side in (data.source, data.target))
    training, tested = [record.path for record in (*source, *target)], [listed[place] for place in places]
    paths = [*training, *(record.path for record in tested)]
    given = digest(data.fingerprints, vars(strips), contents(paths))
    own = folder / given
    own.mkdir(parents=True, exist_ok=True)
    with one_process_at_a_time(own), Console().status("features") as status:
        cost = Cost(own / "cost.json")

        def said(images: int) -> None:
            status.update(f"features: {images} of {len(paths)} images")
            cost.count()

        features = strips.embed(training, paths, own, given, said)
    parts = np.split(features, np.cumsum([len(source), len(target)]))
    camids = [[record.camid for record in records] for records in (source, target, tested)]
    labelled, unlabelled, evaluated = (Images(*part) for part in zip(parts, camids, strict=True))
    labelled = labelled._replace(pids=[record.pid for record in source])
    return Features(labelled, unlabelled, evaluated, places, given, cost.known)


def unreadable(data: DomainPairDataModule) -> set[str]:
    """Images that data.on_error=skip does without, of training or test; none where the first one is to end the run."""
    if data.on_error == "raise":
        return set()
    parts = (data.source.train, data.target.train, *data.evaluation_records("target"))
    paths = dict.fromkeys(record.path for part in parts for record in part)
    faults = set(unreadable_files(list(paths)))
    warn_of_skipped(faults)
    return faults


def embed(images: Features, learner: UMDL, run_dir: Path, cost: Cost) -> np.ndarray:  # (Q + G, K)
    """Query and gallery by the dictionaries that are learned, or learned on."""
    given = digest(images.fingerprint, {**vars(learner), "weights": list(learner.weights)})
    kept = run_dir / "dictionaries.npz"
    last = load_progress(kept, given)
    iterations = learner.learn(images.source, images.target, last)
    left = learner.rounds * learner.iterations - (last.iterations if last else 0)
    for last in track(iterations, "learning", total=left):
        save_progress(kept, last, given)
        cost.count()
    assert last is not None  # at least one iteration, here or before
    return learner.embed(last.state, images.evaluated.features)


def centered(images: Features) -> np.ndarray:  # (Q + G, K)
    """Query and gallery, each image less the mean of its camera's target training images."""
    training, evaluated = (np.asarray(part.camids) for part in (images.target, images.evaluated))
    embedding = images.evaluated.features.copy()
    if unknown := np.setdiff1d(evaluated, training).tolist():
        print(f"camera={','.join(map(str, unknown))} has no training image: its images stay as they are.")
    for camera in np.intersect1d(training, evaluated):
        embedding[evaluated == camera] -= images.target.features[training == camera].mean(axis=0)
    return embedding


def ranked(
    embedding: np.ndarray, places: Sequence[int], data: DomainPairDataModule, counting: Protocol
) -> RetrievalMetric:
    """A metric that holds the target's query and gallery, or those images in these places of them."""
    query, gallery = data.evaluation_records("target")
    index = torch.tensor(places)
    columns = torch.tensor([record[1:] for record in (*query, *gallery)])[index].T
    about = dict(zip(("pid", "camid", "tracklet", "clothes"), columns, strict=True))
    metric = RetrievalMetric(protocol=counting)
    metric.update(torch.from_numpy(embedding), is_query=index < len(query), index=index, **about)
    return metric


def settings_of(config: DictConfig) -> dict[str, Any]:
    """What repeats a run: plain values."""
    given = {name: config[name] for name in _SETTINGS if config.get(name) is not None}
    found: dict[str, Any] = {name: OmegaConf.to_container(options, resolve=True) for name, options in given.items()}
    return {**found, "center": True} if config.get("center") else found


def conditions_of(config: DictConfig) -> dict[str, Any]:
    """What its figures depend on, as `same_run` compares it."""
    return {**settings_of(config), "seed": config.seed, "protocol": counted(config)}


if __name__ == "__main__":
    run(main)
