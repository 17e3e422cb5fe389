"""Which runs make up Table I: ten rows, one setting, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from dien_lightning.experiments.reports.records import RunRecord
from dien_lightning.experiments.settings import (
    ATTENTIONS_OWN,
    CENTERS_OWN,
    NO_MATTER,
    flat,
    has_attention,
    has_center,
    say_difference,
    which_images,
)


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
    the way of counting with the rest, the attention's and the centre term's settings with the rows that have one, the
    data sets with its direction. Where several settings are mixed (a sweep, a pretrained start), the one that most runs
    share is kept. A setting that older records do not say is asked of the others.

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
    kinds: list[Callable[[RunRecord], dict[str, Any]]] = [
        _common_settings,
        _center_settings,
        _attention_settings,
        _counting,
    ]
    kinds += [partial(_pair_settings, direction=name) for name in sorted({run.direction for run in candidates})]
    for settings_of in kinds:
        odd = _odd_ones({run.path: settings for run in candidates if (settings := settings_of(run))})
        left_out += [f"{path} is left out: it has {other}, unlike the others." for path, other in odd.items()]
        candidates = [run for run in candidates if run.path not in odd]
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
    return _common_settings(run) | _center_settings(run) | _attention_settings(run)


def _common_settings(run: RunRecord) -> dict[str, Any]:
    rest = _ROWS_OWN | NO_MATTER
    known = flat(run.settings)
    partly = ATTENTIONS_OWN + CENTERS_OWN
    return {name: known[name] for name in known if name not in rest and not name.startswith(partly)}


def _center_settings(run: RunRecord) -> dict[str, Any]:  # empty without the cross-domain triplet loss
    known = flat(run.settings)
    return {name: known[name] for name in known if name in CENTERS_OWN} if has_center(known) else {}


def _attention_settings(run: RunRecord) -> dict[str, Any]:  # empty where T = 0
    known = flat(run.settings)
    if not has_attention(known):
        return {}
    return {name: known[name] for name in known if name not in _ROWS_OWN and name.startswith(ATTENTIONS_OWN)}


def _counting(run: RunRecord) -> dict[str, Any]:
    own = ("statistics", *(name for name in run.protocol if name.startswith("num_")))  # the row's, the pair's
    return {f"protocol.{name}": value for name, value in run.protocol.items() if name not in own}


def _pair_settings(run: RunRecord, direction: str) -> dict[str, Any]:  # empty for runs of another direction
    if run.direction != direction:
        return {}
    known = flat(run.settings)
    sizes = {f"protocol.{name}": value for name, value in run.protocol.items() if name.startswith("num_")}
    return {name: known[name] for name in sorted(which_images(known)) if name in known} | sizes


def _odd_ones(asked: dict[Path, dict[str, Any]]) -> dict[Path, str]:
    """Whose settings are not those of most, and how they differ; first by what all of them say, then by the rest."""
    odd: dict[Path, str] = {}
    everywhere = set.intersection(*map(set, asked.values())) if asked else set()
    newer = {name for settings in asked.values() for name in settings} - everywhere
    for names in [everywhere, *({name} for name in sorted(newer))]:
        said = {
            path: {name: settings[name] for name in sorted(names)}
            for path, settings in asked.items()
            if path not in odd and names <= set(settings)
        }
        main = _most_frequent(list(said.values()))
        odd |= {path: say_difference(settings, main) for path, settings in said.items() if settings != main}
    return odd


def _most_frequent(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    frozen = [_frozen(each) for each in settings]
    counts = Counter(frozen).most_common(2)
    most = [dict(settings[frozen.index(one)]) for one, _ in counts]
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        raise ValueError(
            f"as many runs have {say_difference(*most)} as not: one table holds one setting. Report them apart."
        )
    return most[0] if most else {}


def _not_its_row(run: RunRecord) -> str | None:
    if run.row not in ROWS:
        return f"row={run.row or 'null'} is not one of Table I's"
    row = ROWS[run.row]
    trained = RowSettings(
        int(run.setting("network.attention_loops", row.attention_loops)),
        run.setting("objective.triplet", row.triplet) if run.setting("objective.triplet_weight", row.triplet) else None,
        bool(run.setting("objective.domain_weight", row.domain)),
    )
    if run.changes:
        return f"it was resumed with other settings: {', '.join(run.changes)}"
    if trained != row:
        return f"it says {run.row} but was trained with {say_difference(trained._asdict(), row._asdict())}"
    return None


def _frozen(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    whole = {name: float(value) if type(value) is int else value for name, value in settings.items()}  # 5 is 5.0
    return tuple(sorted((name, repr(value)) for name, value in whole.items()))
