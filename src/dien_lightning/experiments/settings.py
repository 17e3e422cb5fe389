"""Whether two runs are the same one: the settings and the way of counting that decide their figures, compared here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePath
from typing import Any

from omegaconf import DictConfig, OmegaConf

from dien_lightning.experiments.older_runs import UNSAID, UNSAID_AS
from dien_lightning.network.files import fingerprint, load_network
from dien_lightning.training import resolve_precision

SEED = ("seed", "data.seed", "callbacks.seed_each_step.seed")
_SIDES = ("data.source", "data.target")
_OF_A_SIDE = ("", "_root", "_camera_pattern", "_pid_pattern", "_trial")
PAIR = tuple(side + name for side in _SIDES for name in _OF_A_SIDE)
_START = "start_fingerprint"
_START_SAID = "path_fingerprint"  # in `settings_of`, beside network.path: who lets that differ lets this one, too
_START_NAME = f"network.{_START_SAID}"
_WHERE_BOTH_SAY = ("protocol.", _START_NAME)  # counts are figures; older runs do not know their start
_GROUPS = ("data", "network", "objective", "optim", "trainer")
# What changes no figure, or by rounding alone: where files lie, which processes work, what is kept and said meanwhile.
_NO_MATTER = (
    *("data.root", "data.source_root", "data.target_root"),  # but for sets whose name does not say their images
    *("data.num_workers", "data.cache_gigabytes", "data.eval_batch_size", "data.search"),  # protocol.search says it
    *("trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy", "trainer.log_every_n_steps"),
    *("trainer.enable_progress_bar", "trainer.enable_model_summary", "network.checkpoint_passes"),
    *("callbacks.checkpoint", "callbacks.progress", "callbacks.health", "callbacks.finite"),
)
_ATTENTIONS_OWN = ("network.attention_", "optim.supervise")  # without effect at T = 0
_CENTERS_OWN = ("objective.center_weight", "objective.target_negatives")  # without the cross-domain triplet loss


def note_start(config: DictConfig) -> None:
    """Keep in a run's configuration which network it begins with: by and by the same path may hold another.

    Args:
        config: of a run that is to begin now, or is asked for; without the file that it names it stays as it is.
    """
    path = OmegaConf.select(config, "network.path")
    if path is not None and Path(str(path)).expanduser().is_file():
        OmegaConf.update(config, _START, fingerprint(load_network(path)), force_add=True)


def reads_start(config: DictConfig) -> bool:
    """Whether a run's network begins with `start`, or there is none to begin with."""
    return config.start is None or config.start in (config.network or {}).values()


def check_start(config: DictConfig) -> None:
    """Refuse a network to begin with that nothing would read, or that is not there.

    Args:
        config: of a run that is to begin.

    Raises:
        ValueError: the network is another than the one that begins with `start`.
        FileNotFoundError: it is this one, and `start` names no file.
    """
    network = config.network or {}
    if not reads_start(config):
        raise ValueError(
            f"start={config.start} is read by no part of this network, which begins with weights of its own; leave "
            f"start out, or choose experiment=self_training."
        )
    if "path" in network and not Path(str(network["path"])).expanduser().is_file():
        raise FileNotFoundError(
            f"start={network['path'] or 'null'} is no file of a trained network to begin with; give "
            f"start=RUN/network.safetensors."
        )


def settings_of(config: DictConfig) -> dict[str, Any]:
    """What a reader needs to know of a configuration to repeat its run: plain values, grouped as in conf/."""
    given = [key for key in (*_GROUPS, "rounds") if config.get(key) is not None]
    groups: dict[str, Any] = {key: OmegaConf.to_container(config[key], resolve=True) for key in given}
    if own := {key: value for key, value in config.get("module", {}).items() if key not in ("_target_", "rounds")}:
        groups["module"] = OmegaConf.to_container(OmegaConf.create(own), resolve=True)  # else the objective tells it
    if start := config.get(_START):
        groups["network"][_START_SAID] = start
    return groups | {"callbacks": {name: _without_folder(options) for name, options in config.callbacks.items()}}


def conditions(config: DictConfig, *, in_precision: bool = False) -> dict[str, Any]:
    """What a configuration's figures depend on: settings, seed, way of counting; what `same_run` compares.

    Args:
        config: of a run that is asked for, or config.yaml of one that has begun.
        in_precision: whether `precision: auto` stands for what it is on this machine, and not for whatever it was.
    """
    counting = counted(config)
    if in_precision or config.trainer.precision != "auto":
        counting["precision"] = precision_of(config)
    return {**settings_of(config), "seed": config.seed, "protocol": counting}


def precision_of(config: DictConfig) -> str:
    """Which numbers a training computes with on this machine; a GPU that it leaves alone does not count."""
    return resolve_precision(config.trainer.precision, config.trainer.accelerator)


def counted(config: DictConfig) -> dict[str, Any]:
    """How a configuration counts matches, plain values; without cameras, those from the query's own camera stay."""
    counting: Any = OmegaConf.to_container(config.protocol, resolve=True)
    return {**counting, "same_camera": "keep"} if config.data.cameras == "none" else counting


def but_for_pair(conditions: Mapping[str, Any]) -> dict[str, Any]:
    """`conditions` without those that say which sets a run is of, for runs on different ones.

    Example:
        >>> but_for_pair({"seed": 0, "data": {"target": "msmt17", "target_root": "x", "target_batch_size": 64}})
        {'seed': 0, 'data': {'target_batch_size': 64}}
    """
    data = {name: value for name, value in conditions.get("data", {}).items() if f"data.{name}" not in PAIR}
    return {**conditions, "data": data}


def same_run(
    name: str, had: Mapping[str, Any], asked: Mapping[str, Any], remedy: str, ignoring: Collection[str] = ()
) -> None:
    """Refuse to take one run for another.

    Args:
        name: what there is, for the sentence.
        had: its `conditions`.
        asked: those it should have.
        remedy: what the user may do.
        ignoring: dotted names that may differ.

    Raises:
        ValueError: they differ; with the difference.
    """
    if found := difference(had, asked, ignoring):
        raise ValueError(f"{name} is of a run with {found}, so it is not the one asked for. {remedy}")


def difference(had: Mapping[str, Any], asked: Mapping[str, Any], ignoring: Collection[str] = ()) -> str:
    """The first three names whose values decide figures and differ, with both values; empty where none does.

    Example:
        >>> difference({"data": {"num_ids": 12, "num_workers": 4}}, {"data": {"num_ids": 16, "num_workers": 0}})
        'data.num_ids=12 (not 16)'
    """
    one, other = _flat(had), _flat(asked)
    without = (*_no_matter(one, other), *ignoring)
    names = [name for name in dict.fromkeys([*other, *one]) if not name.startswith(without)]
    found = [name for name in names if one.get(name) != other.get(name)]
    found = [n for n in found if not n.startswith(_WHERE_BOTH_SAY) or (n in one and n in other)]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(f"{name}={one.get(name)} (not {other.get(name)})" for name in found[:3]) + more


def _flat(nested: Mapping[str, Any]) -> dict[str, Any]:
    """By dotted name, with what is not said."""
    said = _by_dotted_name(nested)
    unsaid = {**UNSAID, **{name: said.get(other) for name, other in UNSAID_AS.items()}}
    return said | {name: value for name, value in unsaid.items() if name not in said}


def _by_dotted_name(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            found |= _by_dotted_name(value, f"{prefix}{name}.")
        elif name == "weights" and isinstance(value, str):
            found[prefix + name] = PurePath(value).name  # the file's folder changes nothing
        elif name == "_target_":
            found[prefix + name] = str(value).rpartition(".")[2]  # nor does the module's
        else:
            found[prefix + name] = value
    return found


def _no_matter(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names (or prefixes) that cannot change figures, given these two runs."""
    names = [name for name in _NO_MATTER if name not in _where(one) | _where(other)]
    for known in (one, other):
        if not known.get("network.attention_loops", True):
            names += _ATTENTIONS_OWN
        if not known.get("objective.triplet_weight", True) or known.get("objective.triplet") == "exemplar":
            names += _CENTERS_OWN
    is_open = other.get("trainer.precision") == "auto"  # whatever it was, see `conditions`
    if "protocol.precision" in one and ("protocol.precision" in other or is_open):
        names.append("trainer.precision")
    if one.get(_START_NAME, "") == other.get(_START_NAME):
        names.append("network.path")  # the same network, wherever it lies
    if one.get("data.on_error") == "raise":
        names.append("data.on_error")  # whoever stops at an unreadable image has met none
    return names


def _where(known: Mapping[str, Any]) -> set[str]:
    """The folders that say which images a run saw, where the names of its sets do not."""
    found = set()
    for name in _SIDES:
        sets = known.get(name)
        for one in sets if isinstance(sets, list) else [str(sets)]:
            if one in ("folder", "csv"):
                found.add(f"{name}_root")
            elif one.startswith("pedestrians_"):  # other people may have been drawn into another folder
                found |= {f"{name}_root", "data.root"}
    return found


def _without_folder(options: Any) -> Any:
    if options is None:
        return None
    kept = {key: options[key] for key in options if key != "folder"}
    return {key: OmegaConf.to_container(value) if OmegaConf.is_config(value) else value for key, value in kept.items()}
