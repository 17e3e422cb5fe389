"""The rules of counting by name; `matches.py` drops by them, `searches.py` chooses, `query_scores.py` scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from dien_lightning.checks import check_int

_CHOICES = {
    "junk": {
        "drop": "junk (pid -1) dropped",
        "distractor": "junk (pid -1) kept as distractors",
    },
    "same_camera": {
        "drop": "gallery images of the query's identity in the query's camera dropped",
        "keep": "same-camera images kept as matches",
    },
    "clothes": {
        "any": "",
        "changed": "gallery images of the query's identity in the query's clothes dropped",
        "same": "gallery images of the query's identity in other clothes dropped",
    },
    "search": {
        "query": "",
        "leave_one_out": "every image asks all others",
        "sysu_all": "cameras 3 and 6 ask 1, 2, 4 and 5, 3 is not shown 2, and the CMC counts people",
        "sysu_indoor": "cameras 3 and 6 ask 1 and 2, 3 is not shown 2, and the CMC counts people",
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
    - an evaluator that sorts the distances and leaves ties as they lie: `ties="gallery order"`;
    - LTCC's and PRCC's clothes-changing setting: `clothes="changed"`, for PRCC's single shot with `draws=10`, and its
      queries in the gallery's clothes: `clothes="same"`;
    - SYSU-MM01, single shot: `search="sysu_all", draws=10`, or "sysu_indoor"; multi-shot: with `shots=10`.

    Args:
        junk: gallery images with pid -1 are left out ("drop") or stay as images that match nobody ("distractor").
        same_camera: gallery images with the query's pid and camera are left out ("drop") or count as matches
            ("keep"; what `data.cameras=none` asks for).
        clothes: gallery images with the query's pid and clothes are left out ("changed"), or those with its pid and
            others ("same"); "any" asks nobody what they wear.
        search: queries ask the gallery ("query"), every image of both asks all others ("leave_one_out"), or
            SYSU-MM01's infrared cameras ask the visible ones, where the CMC counts people instead of images.
        queries: the averages run over the queries that have a match ("valid") or over "all" of them.
        average_precision: which of the two `mAP` holds; `mAP_trapezoid` is always reported beside it. "step" adds the
            precision at each match, "trapezoid" the mean of the precisions at and just before it.
        ties: who ranks first at the same distance: "non-match first" never flatters, "match first" always does,
            "gallery order" goes by the gallery image's number, as a stable sort of the distances would.
        draws: rank this many random galleries, each with `shots` images per person, camera and outfit, and average the
            figures; 0 ranks the whole gallery.
        shots: images of each in a drawn gallery, or as many as there are.
        seed: of the draws, which are not those of a set's authors.

    Raises:
        ValueError: for a name that is not one of those above, and a negative number.

    Example:
        >>> Protocol(queries="all").describe()["queries"]
        'all'
    """

    junk: str = "drop"
    same_camera: str = "drop"
    queries: str = "valid"
    average_precision: str = "step"
    ties: str = "non-match first"
    clothes: str = "any"
    search: str = "query"
    draws: int = 0
    shots: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"{name}={value!r} is not a protocol; choose one of {', '.join(choices)}.")
        check_int("draws", self.draws, 0, "0 ranks the whole gallery")
        check_int("shots", self.shots, 1, "a gallery of none finds nobody")
        check_int("seed", self.seed, 0, "the draws follow from it")
        if self.draws and self.search == "leave_one_out":
            raise ValueError(
                f"draws={self.draws} draws galleries, and search='leave_one_out' ranks all images; draws=0."
            )

        if self.shots > 1 and not self.draws:
            raise ValueError(
                f"shots={self.shots} is of drawn galleries, and draws=0 ranks the whole one; give draws=10."
            )

    @classmethod
    def given(cls, protocol: Protocol | None) -> Protocol:
        """The protocol that is given, or the defaults if none is.

        Raises:
            TypeError: something else is, such as a name.
        """
        if not isinstance(protocol, cls | None):
            raise TypeError(
                f"protocol={protocol!r} is no Protocol; make one of its rules, such as Protocol(junk='distractor'), or "
                "leave it out for the defaults."
            )
        return protocol or cls()

    def describe(self) -> dict[str, str | int | bool]:
        """The protocol as plain values, for results.json, W&B and tables."""
        described = {"distance": "euclidean", "tracklets": "mean", **asdict(self)}
        if not self.draws:
            del described["seed"], described["shots"]
        return described

    def sentence(self) -> str:
        """The protocol in one line, to be printed under a table.

        Example:
            >>> print(Protocol().sentence())
            junk (pid -1) dropped; gallery images of the query's identity in the query's camera dropped; averaged
            over the queries that have a match; step AP; at equal distance a non-match ranks first
        """
        parts = [choices[getattr(self, name)] for name, choices in _CHOICES.items()]
        if self.draws:
            images = "one image" if self.shots == 1 else f"{self.shots} images"
            parts.append(f"mean of {self.draws} galleries of {images} per person and camera, seed {self.seed}")
        return "; ".join(part for part in parts if part)
