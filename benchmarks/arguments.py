"""The key=value words of a benchmark's command line, over its defaults."""

from __future__ import annotations

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf


def take(**defaults: object) -> DictConfig:
    """What was asked for; "???" stands for what has to be given. A wrong or missing word ends in one sentence."""
    given = OmegaConf.from_cli()
    for name in given:
        if name not in defaults:
            sys.exit(f"error: {name} is no option here; there are {', '.join(defaults)}.")
    options = OmegaConf.merge(defaults, given)
    if missing := [name for name in defaults if OmegaConf.is_missing(options, name)]:
        words = " ".join(f"{name}=..." for name in missing)
        sys.exit(f"error: {words} is missing; the first lines of benchmarks/{Path(sys.argv[0]).name} say what it is.")
    return options
