"""One self-contained HTML page: no script, no network, light and dark, any width."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

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
        kind: `tiles`, `table`, `gallery`, `ranked`, `grid`, `text`, `details`, or `kept`, from `read_sections`.
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
        shows: which single runs it pictures, a word each; empty for what all runs are part of.
    """

    title: str
    blocks: Sequence[Block]
    intro: str = ""
    shows: Sequence[str] = ()

    @property
    def anchor(self) -> str:
        """The heading's id."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def read_sections(html: str) -> list[Section]:
    """The sections of a page that `render_page` made: what stands under each heading as it stands there, but the intro.

    Example:
        >>> page = render_page("A", "b", [Section("C & D", [Block("text", "e < f")], "An intro.", ["a_run"])])
        >>> read_sections(page)
        [Section(title='C & D', blocks=[Block(kind='kept', content='<p>e &lt; f</p>')], intro='', shows=['a_run'])]
    """
    parts = html.split('<section class="part"')[1:]
    form = r'[^>]*?(?: data-shows="([^"]*)")?>\s*<h2[^>]*>(.*?)</h2>\s*(?:<p class="intro">.*?</p>)?(.*)</section>'
    found = (re.match(form, part, flags=re.DOTALL) for part in parts)
    return [
        Section(unescape(match[2]), [Block("kept", match[3].strip())], shows=unescape(match[1] or "").split())
        for match in found
        if match
    ]


def render_page(title: str, lead: str, sections: Sequence[Section], footer: str = "") -> str:
    """Fill the template.

    Raises:
        ValueError: the page is too large, or would load something from elsewhere.
    """
    environment = Environment(
        loader=PackageLoader("dien_lightning.experiments.reports"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup  # our own drawings are the only markup that is not escaped
    html = (
        environment.get_template("page.html").render(title=title, lead=lead, sections=sections, footer=footer).lstrip()
    )
    size = len(html.encode())
    if size >= MOST_BYTES:
        raise ValueError(f"the page has {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:g}: show fewer queries.")
    if found := _LOADS.search(html):
        raise ValueError(f"the page would load {html[found.start() : found.start() + 60]!r} from elsewhere.")
    return html
