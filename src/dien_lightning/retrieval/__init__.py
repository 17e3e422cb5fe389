"""Embeddings to rank-k and mAP: exact, in bounded memory, the protocol stated."""

from dien_lightning.retrieval.expansion import PooledQueries, expand_queries, pool_queries
from dien_lightning.retrieval.labels import check_matches
from dien_lightning.retrieval.metric import EvaluationSets, RetrievalMetric
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.ranked_lists import RankedLists, rank_distances, rank_gallery
from dien_lightning.retrieval.ranking import evaluate_distances, evaluate_retrieval
from dien_lightning.retrieval.reciprocity import reciprocal_neighbors
from dien_lightning.retrieval.reranking import k_reciprocal_blocks, reranking_memory
from dien_lightning.retrieval.result import RetrievalResult

__all__ = [
    "EvaluationSets",
    "PooledQueries",
    "Protocol",
    "RankedLists",
    "RetrievalMetric",
    "RetrievalResult",
    "check_matches",
    "evaluate_distances",
    "evaluate_retrieval",
    "expand_queries",
    "k_reciprocal_blocks",
    "pool_queries",
    "rank_distances",
    "rank_gallery",
    "reciprocal_neighbors",
    "reranking_memory",
]
