"""Embeddings to scalars: the terms of the objective and their sum."""
