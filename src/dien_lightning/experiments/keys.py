"""Which keys and choices conf/ has, read as text: for the help, and for the nearest name to a misspelt one."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

CONFIG_DIR = "DIEN_CONFIG_DIR"
"""The variable that hands --config-dir to the processes that a command starts."""
_PACKAGE = Path(__file__).resolve().parents[1]
CONF = next(folder for folder in (_PACKAGE / "conf", _PACKAGE.parents[1] / "conf") if folder.is_dir())
"""The Hydra tree: inside the package where it is installed, at the top of a clone."""
_LINE = re.compile(r"^(?P<indent> *)(?P<key>[\w.]+):(?: +(?P<value>[^#]*?))?\s*(?:  ?# ?(?P<comment>.*))?$")


class Key(NamedTuple):
    """A setting by its dotted name, its default as it is written, and the comment beside it."""

    name: str
    default: str
    comment: str


def folders() -> list[Path]:
    """Where configurations lie: the user's own first."""
    return [*map(Path, filter(None, [os.environ.get(CONFIG_DIR)])), CONF]


def options_of(config: str) -> dict[str, list[str]]:
    """The groups that a configuration chooses from, each with its files."""
    found: dict[str, set[str]] = {}
    for folder in folders():
        for path in folder.glob("*/*.yaml"):
            found.setdefault(path.parent.name, set()).add(path.stem)
    own = _groups(config) | ({"experiment": "", "ablation": "", "sweep": ""} if config == "config" else {})
    return {group: sorted(found.get(group, ())) for group in own}


def keys_of(config: str) -> list[Key]:
    """The settings of conf/CONFIG.yaml and of the files that it names."""
    path = CONF / f"{config}.yaml"
    own, groups = _keys(path, ""), _groups(config)
    chosen = [key for group, choice in groups.items() for key in _keys(CONF / group / f"{choice}.yaml", f"{group}.")]
    text = path.read_text(encoding="utf-8")
    is_first = text.index("- _self_") < min(text.index(f"- {group}:") for group in groups)
    last = {key.name: key for key in (own + chosen if is_first else chosen + own)}  # the later file has its way
    return [last[name] for name in dict.fromkeys(key.name for key in own + chosen)]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Such as `; did you mean network.attention_loops?`, or a full stop where nothing is near.

    Example:
        >>> did_you_mean("trian", ["train", "rank"]), did_you_mean("xyz", ["train"])
        ('; did you mean train?', '.')
    """
    names = list(known)
    near = difflib.get_close_matches(word, names, 1, 0.6)
    near = near or [name for name in names if name.rpartition(".")[2] == word.rpartition(".")[2]][:1]
    return f"; did you mean {near[0]}?" if near else "."


def _groups(config: str) -> dict[str, str]:
    """The files that a configuration begins with, by their groups."""
    text = (CONF / f"{config}.yaml").read_text(encoding="utf-8")
    block = re.search(r"^defaults:\n((?:  .*\n)+)", text, re.MULTILINE)
    pairs = re.findall(r"^  - (\w+): (\w+)", block[1] if block else "", re.MULTILINE)
    return {group: choice for group, choice in pairs if choice != "null"}


def _keys(path: Path, prefix: str) -> list[Key]:
    """The leaves of one file of conf/, which has two spaces for each level and a comment beside a key."""
    keys: list[Key] = []
    parents: list[str] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        match = _LINE.match(line)
        if match is None:
            continue
        level = len(match["indent"]) // 2
        parents = [*parents[:level], match["key"]]
        below = lines[number + 1 : number + 2]
        if parents[0] in ("defaults", "hydra", "_target_") or match["key"] == "_target_":
            continue
        if match["value"] or not (below and below[0].startswith(" " * (len(match["indent"]) + 2))):
            keys.append(Key(prefix + ".".join(parents), match["value"] or "", match["comment"] or ""))
    base = re.search(r"^defaults: \[(\w+)\]", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [*(_keys(path.with_name(f"{base[1]}.yaml"), prefix) if base else []), *keys]
