"""One self-contained HTML page: no script, no network, light and dark, any width."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from dien_lightning.experiments.reports.tables import name_seeds
from dien_lightning.experiments.results import Results

MOST_BYTES = 3_000_000
"""A page must stay below this."""

_LOADS = re.compile(r"""(?:src|srcset|href|action|data)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?(?!data:|\#)|@import""")


class Tile(NamedTuple):
    """A figure in large type: what it is, its value, what to compare it with."""

    label: str
    value: str
    note: str = ""
    strong: bool = False


class Block(NamedTuple):
    """One piece of a section.

    Attributes:
        kind: `tiles`, `table`, `gallery`, `ranked`, `grid` or `details`.
        content: what the template's macro of that name takes.
    """

    kind: str
    content: Any


class Section(NamedTuple):
    """A heading with what stands under it.

    Attributes:
        title: heading.
        blocks: in order.
        intro: a paragraph before them.
    """

    title: str
    blocks: Sequence[Block]
    intro: str = ""

    @property
    def anchor(self) -> str:
        """The heading's id."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


class PageTooLargeError(ValueError):
    """A page would have `MOST_BYTES` or more; `excess` is how many times as much."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the page has {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:g}: show fewer queries.")
        self.excess = size / MOST_BYTES


def render_page(title: str, lead: str, sections: Sequence[Section], footer: str = "") -> str:
    """Fill the template.

    Raises:
        PageTooLargeError: it is.
        ValueError: it would load something from elsewhere.
    """
    environment = Environment(
        loader=PackageLoader("dien_lightning.experiments.reports"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup  # our own drawings are the only markup that is not escaped
    template = environment.get_template("page.html")
    html = template.render(title=title, lead=lead, sections=sections, footer=footer).lstrip()
    html = html.encode(errors="surrogateescape").decode(errors="backslashreplace")  # file names may be any bytes
    size = len(html.encode())
    if size >= MOST_BYTES:
        raise PageTooLargeError(size)
    if found := _LOADS.search(html):
        raise ValueError(f"the page would load {html[found.start() : found.start() + 60]!r} from elsewhere.")
    return html


def run_details(runs: Mapping[str, Results]) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each run what repeats it: command, protocol, settings; for the page's folding blocks."""
    entries = []
    for label, run in runs.items():
        facts = [("command", run.command), ("commit", run.commit), ("seed", str(run.seed))]
        facts += [("training and evaluation", f"{(run.seconds or 0) / 60:.1f} minutes")]
        facts += [("evaluation", f"{run.images_per_second or 0:.0f} images / s")]
        entries.append((f"{label}: command and protocol", facts + _pairs(run.protocol)))
        entries.append((f"{label}: settings", _pairs(run.settings)))
    return entries


def page_footer(runs: Sequence[Results]) -> str:
    """Where the figures come from, in one line."""
    commits = ", ".join(sorted({run.commit for run in runs if run.commit})) or "unknown"
    here = Path.cwd()
    folders = {run.path.parent for run in runs}
    shorter = {folder.relative_to(here) if folder.is_relative_to(here) else folder for folder in folders}
    where = ", ".join(sorted(map(str, shorter)))
    return f"Figures from {where} ({name_seeds(runs)}), commit {commits}. Percent throughout."


def _pairs(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs += _pairs(value, f"{prefix}{name}.")
        else:
            pairs.append((prefix + name, f"{value:.6g}" if isinstance(value, float) else str(value)))
    return pairs
