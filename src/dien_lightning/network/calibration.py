"""What a distance between two embeddings of a network says: fitted once, then a buffer that leaves with it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

FORMAT = 1
_NOTES = {  # by a word of what `about` says of whose pairs they are
    "source": "these are people of the source: what they show does not carry over to the target's cameras",
    "marked": "marked pairs are those that a search had put first, so strangers look more alike among them than "
    "strangers do",
}


class Evidence(NamedTuple):
    """What distances say, each on its own.

    Attributes:
        log10_ratio: log10 of the likelihood ratio: how much likelier the distance is between two pictures of one person
            than between pictures of two. Above 0 they look alike.
        strangers: share in (0, 1] of pairs of strangers that look at least this alike.
    """

    log10_ratio: Tensor
    strangers: Tensor


class Calibration(nn.Module):
    """Euclidean distances of L2-normalised embeddings to likelihood ratios, by a table that is never left.

    Between two distances of the table values lie on a line; beyond its ends, where nobody has seen a pair, they stay
    those of the end. All of it is one text in a buffer of bytes, which no `network.half()` rounds: it is saved, copied
    and moved with the network. `calibration.calibrate` makes one of labelled pairs.

    Args:
        distances: rising, K of them.
        log10_ratios: K, never rising; see `Evidence`.
        strangers: K, never falling, in (0, 1]; see `Evidence`.
        about: what it rests on, in plain values: "fingerprint" and "domain" of the network whose embeddings they are,
            "pairs_of_people" that were strangers, the finest share that can be stated being 1 over it; "whose" pairs
            they are, in words, where somebody said so.

    Raises:
        ValueError: a table that is none.

    Example:
        >>> about = {"fingerprint": "", "domain": "target", "pairs_of_people": 190}
        >>> calibration = Calibration([0.2, 1.0], [2.0, -1.0], [1 / 190, 0.9], about)
        >>> [round(float(value), 3) for value in calibration(0.6)]
        [0.5, 0.453]
        >>> calibration.strangers_in_words(0.1)
        'at most 1 in 190 strangers looks this alike'
    """

    text: Tensor

    def __init__(
        self,
        distances: Sequence[float],
        log10_ratios: Sequence[float],
        strangers: Sequence[float],
        about: dict[str, Any],
    ) -> None:
        super().__init__()
        self.table = torch.tensor([list(distances), list(log10_ratios), list(strangers)], dtype=torch.float64)  # (3, K)
        self.about = about
        knots, ratios, shares = self.table
        rises = self.table.shape[1] >= 2 and bool((knots.diff() > 0).all())
        if not (rises and bool((ratios.diff() <= 0).all()) and bool((shares.diff() >= 0).all())):
            raise ValueError("a calibration's distances must rise, its ratios not rise and its shares not fall.")
        if not (self.table.isfinite().all() and shares[0] > 0 and shares[-1] <= 1):
            raise ValueError("a calibration's numbers must be finite, and its shares in (0, 1].")
        for name in ("fingerprint", "domain", "pairs_of_people"):
            if name not in about:
                raise ValueError(f"a calibration must say its {name}.")
        self.register_buffer("text", torch.tensor(list(self.dumps().encode()), dtype=torch.uint8))

    def dumps(self) -> str:
        """The whole of it as JSON."""
        knots, ratios, shares = self.table.tolist()
        table = {"distances": knots, "log10_ratios": ratios, "strangers": shares}
        return json.dumps({"format": FORMAT, **table, "about": self.about}, sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> Calibration:
        """What `dumps` wrote, such as the entry `calibration` of an exported file's metadata.

        Raises:
            ValueError: it is something else.
        """
        try:
            content = json.loads(text)
            if content.pop("format") != FORMAT:
                raise ValueError("it is of a later version")
            return cls(**content)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(f"the calibration cannot be read ({error}); calibrate again: dien calibrate.") from error

    @classmethod
    def of_buffer(cls, text: Tensor) -> Calibration:
        """As `loads`, of the buffer's bytes."""
        return cls.loads(bytes(text.tolist()).decode(errors="replace"))

    def forward(self, distances: Tensor | float) -> Evidence:
        knots, ratios, shares = self.table
        at = torch.as_tensor(distances).to("cpu", torch.float64).clamp(knots[0], knots[-1])
        right = torch.searchsorted(knots, at).clamp(1, len(knots) - 1)
        weight = (at - knots[right - 1]) / (knots[right] - knots[right - 1])
        return Evidence(*(torch.lerp(row[right - 1], row[right], weight) for row in (ratios, shares)))

    def strangers_in_words(self, distance: float) -> str:
        """How many strangers look this alike: "about 1 in 340 strangers looks this alike"."""
        share = float(self(distance).strangers)
        if share <= 1 / self.about["pairs_of_people"] * (1 + 1e-9):
            return f"at most 1 in {self.about['pairs_of_people']:,} strangers looks this alike"
        if share > 0.5:
            return "more than half of all strangers look this alike"
        return f"about 1 in {round_down(1 / share):,} strangers looks this alike"

    def notes(self) -> list[str]:
        """What its words do not say, given whose pairs it was fitted to."""
        return [note for word, note in _NOTES.items() if word in self.about.get("whose", "")]

    def check_fits(self, fingerprint: str, domain: str, flip: bool = False) -> None:
        """Refuse to say anything of another network's embeddings, another domain's, or such as `calibrate` never sees.

        Args:
            fingerprint: of the network that embedded the images.
            domain: whose statistics it took.
            flip: whether each embedding is the mean of the image's and its mirror image's.

        Raises:
            ValueError: it was fitted to others.
        """
        if fingerprint != self.about["fingerprint"]:
            raise ValueError(
                "the calibration was fitted to another network's embeddings, and says nothing of this one's; "
                "calibrate this network: dien calibrate."
            )
        if domain != self.about["domain"]:
            raise ValueError(
                f"the calibration was fitted to embeddings with domain={self.about['domain']}, and these are with "
                f"domain={domain}; calibrate for them, by known people or marked pairs of the {domain}: dien calibrate "
                f"domain={domain}."
            )
        if flip:
            raise ValueError(
                "the calibration was fitted to embeddings with flip=false, and these are with flip=true; embed with "
                "flip=false."
            )

    def extra_repr(self) -> str:
        return f"{self.table.shape[1]} distances, domain={self.about['domain']}"


def round_down(number: float, digits: int = 2) -> int:
    """A whole number that does not claim more than `number`, of as many digits as are meant.

    Example:
        >>> round_down(347.2), round_down(3.9)
        (340, 3)
    """
    step = 10 ** max(0, math.floor(math.log10(max(number, 1))) + 1 - digits)
    return int(number // step * step)
