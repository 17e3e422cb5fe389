"""Embeddings -> rank-k, mAP, ranked lists."""

from dien_lightning.retrieval.labels import check_matches
from dien_lightning.retrieval.metric import EvaluationSets, RetrievalMetric
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.ranked_lists import RankedLists, rank_distances, rank_gallery
from dien_lightning.retrieval.ranking import evaluate_distances, evaluate_retrieval
from dien_lightning.retrieval.result import RetrievalResult

__all__ = [
    "EvaluationSets",
    "Protocol",
    "RankedLists",
    "RetrievalMetric",
    "RetrievalResult",
    "check_matches",
    "evaluate_distances",
    "evaluate_retrieval",
    "rank_distances",
    "rank_gallery",
]
