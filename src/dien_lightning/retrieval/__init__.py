"""Embeddings to rank-k and mAP: exact, in bounded memory, the protocol stated."""
