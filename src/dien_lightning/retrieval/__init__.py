"""Embeddings to rank-k and mAP: exact, in bounded memory, the protocol stated."""

from dien_lightning.retrieval.expansion import expand_queries, pool_tracklets
from dien_lightning.retrieval.metric import RetrievalMetric
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.ranked_lists import RankedLists, rank_gallery
from dien_lightning.retrieval.ranking import evaluate_retrieval, evaluate_sets
from dien_lightning.retrieval.reciprocity import reciprocal_neighbors
from dien_lightning.retrieval.reranking import k_reciprocal_blocks, reranking_memory
from dien_lightning.retrieval.result import RetrievalResult
from dien_lightning.retrieval.searches import choose_images
from dien_lightning.retrieval.sets import EvaluationSets

__all__ = [
    "EvaluationSets",
    "Protocol",
    "RankedLists",
    "RetrievalMetric",
    "RetrievalResult",
    "choose_images",
    "evaluate_retrieval",
    "evaluate_sets",
    "expand_queries",
    "k_reciprocal_blocks",
    "pool_tracklets",
    "rank_gallery",
    "reciprocal_neighbors",
    "reranking_memory",
]
