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
CONFIGS = {"train": "config", "evaluate": "evaluate", "translate": "translate", "umdl": "umdl"}
"""The commands that Hydra runs, each with its file in conf/."""
_PACKAGE = Path(__file__).resolve().parents[1]
CONF = next(folder for folder in (_PACKAGE / "conf", _PACKAGE.parents[1] / "conf") if folder.is_dir())
"""The Hydra tree: inside the package where it is installed, at the top of a clone."""
_LINE = re.compile(r"^(?P<indent> *)(?P<key>[\w.]+):(?: +(?P<value>[^#]*?))?\s*(?:  ?# ?(?P<comment>.*))?$")

_BASE = re.compile(r"^  - \w+$", re.MULTILINE)  # a file of the same folder that another one begins with
_OVERRIDE = re.compile(r"^  - override /(\w+): (\w+)", re.MULTILINE)


class Key(NamedTuple):
    """A setting by its dotted name, its default as it is written, and the comment beside it."""

    name: str
    default: str
    comment: str


def folders() -> list[Path]:
    """Where configurations lie, as Hydra looks for them: ours before the user's own."""
    return [CONF, *map(Path, filter(None, [os.environ.get(CONFIG_DIR)]))]


def groups_of(command: str) -> dict[str, list[str]]:
    """The groups that a command chooses from, each with its files."""
    return {
        group: sorted({path.stem for folder in folders() for path in folder.glob(f"{group}/*.yaml")})
        for group in _groups(command)
    }


def keys_of(command: str) -> list[Key]:
    """The settings of a command: those of its file in conf/, and of the files that this one names."""
    path = CONF / f"{CONFIGS[command]}.yaml"
    own, groups = _keys(path, ""), _groups(command)
    files = {group: CONF / group / f"{choice}.yaml" for group, choice in groups.items() if choice != "null"}
    chosen = [key for group, file in files.items() for key in _keys(file, f"{group}.")]
    text = path.read_text(encoding="utf-8")
    is_first = text.index("- _self_") < min(text.index(f"- {group}:") for group in groups)
    found: dict[str, Key] = {}
    for key in own + chosen if is_first else chosen + own:  # the later file has its way, its comment or the earlier's
        found[key.name] = key._replace(comment=key.comment or getattr(found.get(key.name), "comment", ""))
    return [found[name] for name in dict.fromkeys(key.name for key in own + chosen)]


def keys_of_choices() -> dict[str, list[Key]]:
    """Further settings of `dien train`, by the file in conf/ that adds them; an experiment also has its files'."""
    groups = _groups("train")
    known = {*groups, *(key.name for key in keys_of("train"))}
    found: dict[str, list[Key]] = {}
    for group in sorted(groups, key="experiment".__ne__):
        texts = {path: path.read_text(encoding="utf-8") for path in (CONF / group).glob("*.yaml")}
        for path in sorted(texts, key=lambda path: (re.search(_BASE, texts[path]) is not None, path)):
            files = {path: "" if "@package _global_" in texts[path] else f"{group}."}
            files |= {CONF / other / f"{name}.yaml": f"{other}." for other, name in _OVERRIDE.findall(texts[path])}
            keys = [key for file, prefix in files.items() for key in _keys(file, prefix) if key.name not in known]
            known |= {key.name for key in keys}
            found |= {f"{group}={path.stem}": keys} if keys else {}
    return found


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


def _groups(command: str) -> dict[str, str]:
    """The files that a command's configuration begins with, by their groups; null where it begins with none."""
    text = (CONF / f"{CONFIGS[command]}.yaml").read_text(encoding="utf-8")
    block = re.search(r"^defaults:\n((?:  .*\n)+)", text, re.MULTILINE)
    pairs = re.findall(r"^  - (\w+): (\w+)", block[1] if block else "", re.MULTILINE)
    return dict(pairs)


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
        if parents[0] in ("defaults", "hydra") or match["key"] == "_target_":
            continue
        if match["value"] or not (below and below[0].startswith(" " * (len(match["indent"]) + 2))):
            keys.append(Key(prefix + ".".join(parents), match["value"] or "", match["comment"] or ""))
    base = re.search(r"^defaults: \[(\w+)\]", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [*(_keys(path.with_name(f"{base[1]}.yaml"), prefix) if base else []), *keys]
