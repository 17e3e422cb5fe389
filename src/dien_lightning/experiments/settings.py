"""Which settings of two runs differ, of those that change a figure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Any

PAIR = ("data.source", "data.target")
# The seed of a run, and what changes no figure or changes it by rounding alone: where files lie, which processes work.
NO_MATTER = {
    *PAIR,
    "data.source_root",
    "data.target_root",
    "data.root",
    "data.seed",
    "data.num_workers",
    "data.cache_gigabytes",
    "data.eval_batch_size",
    "data.on_error",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.num_nodes",
    "trainer.strategy",
    "trainer.log_every_n_steps",
    "trainer.enable_progress_bar",
    "trainer.enable_model_summary",
}
# What only a network with T > 0 has: the mask's options, and which passes the losses see.
ATTENTIONS_OWN = ("network.attention_", "optim.supervise")
CENTERS_OWN = ("objective.center_weight", "objective.target_negatives")
"""What only the cross-domain triplet loss has."""
_OWN_SETS = ("folder", "csv")
_DRAWN = "pedestrians_"


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name.

    Example:
        >>> flat({"data": {"num_ids": 12}, "network": {}})
        {'data.num_ids': 12}
    """
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif name == "weights" and isinstance(value, str):
            found[prefix + name] = PurePath(value).name  # the file's folder changes nothing
        else:
            found[prefix + name] = value
    return found


def which_images(known: Mapping[str, Any]) -> set[str]:
    """The settings that say which images a run saw: the sets, and folders where a set's name does not say it.

    Args:
        known: by dotted name.

    Example:
        >>> sorted(which_images({"data.source": "market1501", "data.target": "folder"}))
        ['data.source', 'data.target', 'data.target_root']
        >>> sorted(which_images({"data.source": "pedestrians_day", "data.target": "market1501"}))
        ['data.root', 'data.source', 'data.source_root', 'data.target']
    """
    found = set(PAIR)
    for name in PAIR:
        sets = known.get(name)
        sets = sets if isinstance(sets, list) else [sets]
        if any(one in _OWN_SETS or str(one).startswith(_DRAWN) for one in sets):
            found.add(f"{name}_root")
        if any(str(one).startswith(_DRAWN) for one in sets):  # other people may have been drawn into another folder
            found.add("data.root")
    return found


def has_attention(known: Mapping[str, Any]) -> bool:
    """Whether a run's network has passes after the first, by settings with dotted names; yes where they do not say."""
    return bool(known.get("network.attention_loops", True))


def has_center(known: Mapping[str, Any]) -> bool:
    """Whether a run has the cross-domain triplet loss, by settings with dotted names; yes where they do not say."""
    is_weighted = known.get("objective.triplet_weight", True)
    return bool(is_weighted) and known.get("objective.triplet", "cross_domain") == "cross_domain"


def _completed(known: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by dotted name, with what older records do not say but did: they gathered in evaluation's batches."""
    size = known.get("data.eval_batch_size")
    return dict(known) if size is None else {"data.gather_batch_size": size, **known}


def changed(had: Mapping[str, Any], asked: Mapping[str, Any], ignoring: Collection[str] = ()) -> dict[str, Any]:
    """Where one run's settings differ from another's, or from those asked for: both values, by dotted name.

    Settings that only one of them knows, and those that change no figure, are left out.

    Args:
        had: nested, as in `RunRecord.settings`.
        asked: nested in the same way.
        ignoring: dotted names that may differ, too.

    Example:
        >>> changed({"data": {"num_ids": 12, "num_workers": 4}}, {"data": {"num_ids": 16, "num_workers": 0}})
        {'data.num_ids': (12, 16)}
    """
    had, asked = _completed(flat(had)), _completed(flat(asked))
    without = (NO_MATTER - {"data.seed"} - which_images(asked)) | set(ignoring)
    unused: tuple[str, ...] = ()
    if not (has_attention(asked) or has_attention(had)):
        unused += ATTENTIONS_OWN
    if not (has_center(asked) or has_center(had)):
        unused += CENTERS_OWN
    names = [name for name in asked if name in had and name not in without and not name.startswith(unused)]
    return {name: (had[name], asked[name]) for name in names if had[name] != asked[name]}


def difference(had: Mapping[str, Any], asked: Mapping[str, Any], ignoring: Collection[str] = ()) -> str:
    """The same in words; empty where they do not differ.

    Example:
        >>> difference({"data": {"num_ids": 12, "num_workers": 4}}, {"data": {"num_ids": 16, "num_workers": 0}})
        'data.num_ids=12 (not 16)'
    """
    found = changed(had, asked, ignoring)
    return say_difference(*({name: pair[side] for name, pair in found.items()} for side in (0, 1)))


def say_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first three names whose values differ, with both values.

    Example:
        >>> say_difference({"a": 1, "b": 2}, {"a": 1, "b": 3})
        'b=2 (not 3)'
    """
    names = [name for name in [*one, *(n for n in other if n not in one)] if one.get(name) != other.get(name)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"{name}={one.get(name)} (not {other.get(name)})" for name in names[:3]) + more
