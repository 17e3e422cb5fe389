"""Figures that Pu et al. (2019) print: Table I and Table II, in percent."""

from __future__ import annotations

from typing import NamedTuple

PAPER_DIRECTIONS = ("Duke → Market", "Market → Duke")
"""The paper's two directions, in the order of its columns."""


class Published(NamedTuple):
    """Rank-1, rank-5, rank-10 and mAP in percent, as printed."""

    rank1: float
    rank5: float
    rank10: float
    mAP: float


class PublishedRow(NamedTuple):
    """One configuration or method in both of the paper's directions."""

    label: str
    duke_to_market: Published
    market_to_duke: Published


TABLE_1: dict[str, PublishedRow] = {
    "r01_base": PublishedRow("Base", Published(45.1, 62.7, 70.1, 20.8), Published(32.9, 49.7, 54.9, 17.0)),
    "r02_exemplar": PublishedRow("Base + TL[8]", Published(49.9, 67.7, 74.8, 23.9), Published(37.0, 52.4, 59.3, 21.1)),
    "r03_cccdtl": PublishedRow("Base + CCCDTL", Published(51.7, 68.2, 75.0, 24.9), Published(38.3, 54.1, 60.9, 22.1)),
    "r04_dc": PublishedRow("Base + DC", Published(51.2, 67.7, 73.7, 24.2), Published(37.9, 53.5, 60.1, 21.8)),
    "r05_cccdtl_dc": PublishedRow(
        "Base + CCCDTL + DC", Published(53.6, 69.9, 76.1, 26.3), Published(39.8, 55.3, 62.5, 22.3)
    ),
    "r06_full_t1": PublishedRow(
        "… + RTDA (T = 1)", Published(58.1, 74.1, 80.9, 24.8), Published(44.4, 60.1, 66.1, 24.2)
    ),
    "r07_full_t2": PublishedRow(
        "… + RTDA (T = 2)", Published(58.5, 74.9, 81.4, 26.9), Published(45.8, 61.6, 67.8, 26.1)
    ),
    "r08_full_t3": PublishedRow(
        "… + RTDA (T = 3)", Published(58.7, 75.4, 81.9, 27.1), Published(46.7, 62.5, 68.3, 26.4)
    ),
    "r09_full_t4": PublishedRow(
        "… + RTDA (T = 4)", Published(58.6, 75.2, 81.5, 27.0), Published(46.4, 62.3, 68.0, 26.2)
    ),
    "r10_full_t5": PublishedRow(
        "… + RTDA (T = 5)", Published(57.9, 73.9, 80.4, 26.3), Published(44.1, 61.9, 67.8, 24.0)
    ),
}
"""Table I: the ten configurations, by the name of the file in conf/ablation."""

TABLE_2: tuple[PublishedRow, ...] = (
    PublishedRow("UMDL", Published(34.5, 52.6, 59.6, 12.4), Published(18.5, 31.4, 37.6, 7.3)),
    PublishedRow("PUL", Published(45.5, 60.7, 66.7, 20.5), Published(30.0, 43.4, 48.5, 16.4)),
    PublishedRow("SPGAN", Published(57.7, 75.8, 82.4, 26.7), Published(46.4, 62.3, 68.0, 26.2)),
    PublishedRow("TJ-AIDL", Published(58.2, 74.8, 81.1, 26.5), Published(44.3, 59.6, 65.0, 23.0)),
    PublishedRow("DIEN (T = 3)", Published(58.7, 75.4, 81.9, 27.1), Published(46.7, 62.5, 68.3, 26.4)),
)
"""Table II: the compared methods. What the paper calls SPGAN others print as SPGAN + LMP."""
