"""What counts as a match, what is dropped, what is averaged: the rules a figure was computed by."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from dien_lightning.checks import check_bool, check_int

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
    - CUHK03's first protocol (open-reid, torchreid with `use_metric_cuhk03`): `single_gallery_shot=True`, 10 repeats;
      their draws are not seeded, ours are.

    Args:
        junk: gallery images with pid -1 are left out ("drop") or stay as images that match nobody ("distractor").
        same_camera: gallery images with the query's pid and camera are left out ("drop") or count as matches
            ("keep"; what `data.cameras=none` asks for).
        queries: the averages run over the queries that have a match ("valid") or over "all" of them.
        average_precision: which of the two `mAP` holds; `mAP_trapezoid` is always reported beside it. "step" adds the
            precision at each match, "trapezoid" the mean of the precisions at and just before it.
        single_gallery_shot: the CMC ranks one randomly drawn image per gallery identity; the average precisions still
            use every image.
        repeats: how many such draws are averaged.
        seed: of these draws.

    Raises:
        ValueError: for a name that is not one of those above, or fewer than one repeat.

    Example:
        >>> Protocol(queries="all").describe()["queries"]
        'all'
    """

    junk: str = "drop"
    same_camera: str = "drop"
    queries: str = "valid"
    average_precision: str = "step"
    single_gallery_shot: bool = False
    repeats: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"{name}={value!r} is not a protocol; choose one of {', '.join(choices)}.")
        check_bool("single_gallery_shot", self.single_gallery_shot)
        check_int("repeats", self.repeats, 1, "the CMC is the mean over that many draws")
        check_int("seed", self.seed, 0, "the draws follow from it")

    def describe(self) -> dict[str, str | int | bool]:
        """The protocol as plain values, for results.json, W&B and tables."""
        described: dict[str, str | int | bool] = asdict(self)
        if not self.single_gallery_shot:
            del described["repeats"], described["seed"]
        return {"distance": "euclidean", "ties": "non-match first", **described}

    def sentence(self) -> str:
        """The protocol in one line, to be printed under a table.

        Example:
            >>> print(Protocol().sentence())
            junk (pid -1) dropped; gallery images of the query's identity in the query's camera dropped; averaged
            over the queries that have a match; step AP; at equal distance a non-match ranks first
        """
        parts = [choices[getattr(self, name)] for name, choices in _CHOICES.items()]
        if self.single_gallery_shot:
            parts.append(f"CMC over one drawn image per gallery identity, {self.repeats} draws, seed {self.seed}")
        return "; ".join([*parts, "at equal distance a non-match ranks first"])
