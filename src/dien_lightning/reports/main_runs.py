"""Which runs make up Table I: ten rows, one setting, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from dien_lightning.reports.records import RunRecord


class RowSettings(NamedTuple):
    """What a row of Table I fixes; a term that is off has a weight of 0 or none."""

    attention_loops: int
    triplet: str | None
    domain: bool


ROWS: dict[str, RowSettings] = {
    "r01_base": RowSettings(0, None, False),
    "r02_exemplar": RowSettings(0, "exemplar", False),
    "r03_cccdtl": RowSettings(0, "cross_domain", False),
    "r04_dc": RowSettings(0, None, True),
    "r05_cccdtl_dc": RowSettings(0, "cross_domain", True),
    **{f"r{loops + 5:02d}_full_t{loops}": RowSettings(loops, "cross_domain", True) for loops in range(1, 6)},
}
"""The ten configurations, by the name of the file in conf/ablation."""

_ROWS_OWN = {
    "network.attention_loops",
    "objective.triplet",
    "objective.triplet_weight",
    "objective.domain_weight",
}
_PAIRS_OWN = ("data.source", "data.target")
_DRAWN = "pedestrians_"  # other people may have been drawn into another folder: it tells two such pairs apart
# Which pair, which seed, and what changes no figure: where files lie, how many processes load them.
_NO_MATTER = {
    *_PAIRS_OWN,
    "data.source_root",
    "data.target_root",
    "data.root",
    "data.seed",
    "data.num_workers",
    "data.cache_gigabytes",
    "data.eval_batch_size",
    "trainer.enable_progress_bar",
}
# What only a network with T > 0 has: the mask's options, and which passes the losses see.
_ATTENTIONS_OWN = ("network.attention_", "optim.supervise")


class MainRuns(NamedTuple):
    """The runs of one table, and for each that is left out the sentence why.

    Attributes:
        runs: in the order row, direction, seed.
        left_out: one sentence each.
    """

    runs: list[RunRecord]
    left_out: list[str]


def select_main_runs(runs: Sequence[RunRecord]) -> MainRuns:
    """Keep the runs that belong to one Table I.

    A run belongs if it names one of the ten rows, was trained as that row says, and shares every other setting and
    the way of counting with the rest, the attention's settings with the rows that have one, the data sets with its
    direction; where several settings are mixed (a sweep, a pretrained start), the one that most runs share is kept.

    Raises:
        ValueError: nothing belongs, two settings are equally frequent, or two runs are of one row, direction and seed.
    """
    candidates, left_out = [], []
    for run in runs:
        reason = _not_its_row(run)
        if reason:
            left_out.append(f"{run.path} is left out: {reason}.")
        else:
            candidates.append(run)
    if not candidates:
        raise ValueError("none of the runs is one of Table I's rows; `make table` trains them into results/runs.")
    kinds: list[Callable[[RunRecord], dict[str, Any]]] = [_common_settings, _attention_settings, _counting]
    kinds += [partial(_pair_settings, direction=name) for name in sorted({run.direction for run in candidates})]
    for settings_of in kinds:
        asked = [(run, settings) for run in candidates if (settings := settings_of(run))]
        main = _most_frequent([settings for _, settings in asked])
        for run, settings in asked:
            if settings != main:
                candidates.remove(run)
                other = _difference(dict(_frozen(settings)), dict(_frozen(main)))
                left_out.append(f"{run.path} is left out: it has {other}, unlike the others.")
    kept: dict[tuple[str, str, int], RunRecord] = {}
    for run in candidates:
        key = (run.row, run.direction, run.seed)
        if key in kept:
            raise ValueError(
                f"{kept[key].path} and {run.path} are both {run.row}, {run.direction}, seed {run.seed}: leave one out."
            )
        kept[key] = run
    return MainRuns([kept[key] for key in sorted(kept)], left_out)


def shared_settings(run: RunRecord) -> dict[str, Any]:
    """A run's settings by dotted name, without those that its row, pair, seed or machine decide."""
    return _common_settings(run) | _attention_settings(run)


def difference(had: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """How one run's settings differ from another's, or from those asked for; empty where they do not.

    Settings that only one of them knows, and those that change no figure, say nothing.

    Args:
        had: nested, as in `RunRecord.settings`.
        asked: nested in the same way.

    Example:
        >>> difference({"data": {"num_ids": 12, "num_workers": 4}}, {"data": {"num_ids": 16, "num_workers": 0}})
        'data.num_ids=12 (not 16)'
    """
    had, asked = _flat(had), _flat(asked)
    no_matter = _NO_MATTER - {"data.seed", *_PAIRS_OWN} - ({"data.root"} if _is_drawn(asked) else set())
    unused = () if asked.get("network.attention_loops") or had.get("network.attention_loops") else _ATTENTIONS_OWN
    names = [name for name in asked if name in had and name not in no_matter and not name.startswith(unused)]
    return _difference({name: had[name] for name in names}, {name: asked[name] for name in names})


def _common_settings(run: RunRecord) -> dict[str, Any]:
    rest = _ROWS_OWN | _NO_MATTER
    flat = _flat(run.settings)
    return {name: flat[name] for name in flat if name not in rest and not name.startswith(_ATTENTIONS_OWN)}


def _attention_settings(run: RunRecord) -> dict[str, Any]:  # empty where T = 0
    flat = _flat(run.settings)
    if not flat.get("network.attention_loops"):
        return {}
    return {name: flat[name] for name in flat if name not in _ROWS_OWN and name.startswith(_ATTENTIONS_OWN)}


def _counting(run: RunRecord) -> dict[str, Any]:
    own = ("statistics", *(name for name in run.protocol if name.startswith("num_")))  # the row's, the pair's
    return {f"protocol.{name}": value for name, value in run.protocol.items() if name not in own}


def _pair_settings(run: RunRecord, direction: str) -> dict[str, Any]:  # empty for runs of another direction
    if run.direction != direction:
        return {}
    flat = _flat(run.settings)
    names = [*_PAIRS_OWN, *(["data.root"] if _is_drawn(flat) else [])]
    sizes = {f"protocol.{name}": value for name, value in run.protocol.items() if name.startswith("num_")}
    return {name: flat[name] for name in names if name in flat} | sizes


def _is_drawn(flat: Mapping[str, Any]) -> bool:
    return any(str(flat.get(name, "")).startswith(_DRAWN) for name in _PAIRS_OWN)


def _most_frequent(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = Counter(_frozen(each) for each in settings).most_common(2)
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        other = _difference(dict(counts[0][0]), dict(counts[1][0]))
        raise ValueError(f"as many runs have {other} as not: one table holds one setting. Report them apart.")
    return next((dict(each) for each in settings if _frozen(each) == counts[0][0]), {})


def _not_its_row(run: RunRecord) -> str | None:
    if run.row not in ROWS:
        return f"row={run.row or 'null'} is not one of Table I's"
    row = ROWS[run.row]
    trained = RowSettings(
        int(run.setting("network.attention_loops", row.attention_loops)),
        run.setting("objective.triplet", row.triplet) if run.setting("objective.triplet_weight", row.triplet) else None,
        bool(run.setting("objective.domain_weight", row.domain)),
    )
    if trained != row:
        return f"it says {run.row} but was trained with {_difference(trained._asdict(), row._asdict())}"
    return None


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _frozen(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in settings.items()))


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    names = [name for name in [*one, *(n for n in other if n not in one)] if one.get(name) != other.get(name)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"{name}={one.get(name)} (not {other.get(name)})" for name in names[:3]) + more
