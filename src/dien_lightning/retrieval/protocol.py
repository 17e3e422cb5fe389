"""What counts as a match, what is dropped, what is averaged: the rules a figure was computed by."""

from __future__ import annotations

from dataclasses import asdict, dataclass

_CHOICES = {
    "junk": {
        "drop": "junk (pid -1) dropped",
        "distractor": "junk (pid -1) kept as distractors",
    },
    "same_camera": {
        "drop": "gallery images of the query's identity in the query's camera dropped",
        "keep": "same-camera images kept as matches",
    },
    "queries": {
        "valid": "averaged over the queries that have a match",
        "all": "averaged over all queries, one without a match counts as 0",
    },
    "average_precision": {
        "step": "step AP",
        "trapezoid": "trapezoid AP",
    },
    "ties": {
        "non-match first": "at equal distance a non-match ranks first",
        "match first": "at equal distance a match ranks first",
        "gallery order": "at equal distance the image that stands first in the gallery ranks first",
    },
}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The evaluation protocol, by name; the defaults are the single-query protocol of Market-1501 with step AP.

    One model's mAP differs by ten points between evaluators that do not say which of these they chose. To
    reproduce a figure of

    - torchreid, fast-reid: the defaults (their readers leave junk out);
    - the official Market-1501 script: `average_precision="trapezoid"`; it divides by all queries, and each of
      Market's has a match;
    - Person_reID_baseline_pytorch (layumi): `average_precision="trapezoid", queries="all"`;
    - a reader that forgets that pid -1 is junk: `junk="distractor"`;
    - an evaluator that sorts the distances and leaves ties as they lie: `ties="gallery order"`.

    Args:
        junk: gallery images with pid -1 are left out ("drop") or stay as images that match nobody ("distractor").
        same_camera: gallery images with the query's pid and camera are left out ("drop") or count as matches
            ("keep"; what `data.cameras=none` asks for).
        queries: the averages run over the queries that have a match ("valid") or over "all" of them.
        average_precision: which of the two `mAP` holds; `mAP_trapezoid` is always reported beside it. "step" adds the
            precision at each match, "trapezoid" the mean of the precisions at and just before it.
        ties: who ranks first at the same distance: "non-match first" never flatters, "match first" always does,
            "gallery order" goes by the gallery image's number, as a stable sort of the distances would.

    Raises:
        ValueError: for a name that is not one of those above.

    Example:
        >>> Protocol(queries="all").describe()["queries"]
        'all'
    """

    junk: str = "drop"
    same_camera: str = "drop"
    queries: str = "valid"
    average_precision: str = "step"
    ties: str = "non-match first"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"{name}={value!r} is not a protocol; choose one of {', '.join(choices)}.")

    def describe(self) -> dict[str, str | int | bool]:
        """The protocol as plain values, for results.json, W&B and tables."""
        return {"distance": "euclidean", **asdict(self)}

    def sentence(self) -> str:
        """The protocol in one line, to be printed under a table.

        Example:
            >>> print(Protocol().sentence())
            junk (pid -1) dropped; gallery images of the query's identity in the query's camera dropped; averaged
            over the queries that have a match; step AP; at equal distance a non-match ranks first
        """
        return "; ".join(choices[getattr(self, name)] for name, choices in _CHOICES.items())
