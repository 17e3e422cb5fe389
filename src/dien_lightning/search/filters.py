"""Which images of a gallery may be found: those of some cameras, of some time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Filter(NamedTuple):
    """What may be found; None leaves a matter open. An image without a camera or a time passes no filter on it.

    Attributes:
        cameras: names, as `data.names.spelled` gives them.
        after: the earliest time.
        before: what the time must be smaller than.
    """

    cameras: tuple[str, ...] | None = None
    after: float | None = None
    before: float | None = None

    def passes(self, cameras: NDArray[np.object_], times: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of N images pass, by their cameras and times (NaN where nobody knows).

        Example:
            >>> Filter(("1",), after=5).passes(np.array(["1", "1", None, "2"]), np.array([5.0, 4.0, 6.0, 7.0]))
            array([ True, False, False, False])
        """
        passing = np.ones(len(cameras), dtype=bool)
        if self.cameras is not None:
            passing &= np.isin(cameras.astype(str), self.cameras) & (cameras != None)  # noqa: E711 - for each of them
        if self.after is not None or self.before is not None:
            low, high = self.after, self.before
            passing &= (times >= (-math.inf if low is None else low)) & (times < (math.inf if high is None else high))
        return passing

    def sql(self) -> str | None:
        """The same for a database; None where everything passes.

        Example:
            >>> Filter(("1", "o'clock"), before=7.5).sql()
            "camera IN ('1', 'o''clock') AND time < 7.5"
        """
        said = []
        if self.cameras is not None:
            said.append(f"camera IN ({quoted(self.cameras)})" if self.cameras else "false")
        said += [f"time >= {_number(self.after)}"] if self.after is not None else []
        said += [f"time < {_number(self.before)}"] if self.before is not None else []
        return " AND ".join(said) or None


def _number(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else f"CAST('{float(value)!r}' AS DOUBLE)"


def quoted(names: Iterable[str]) -> str:
    """Texts as SQL writes them, with commas between."""
    return ", ".join("'" + name.replace("'", "''") + "'" for name in names)
