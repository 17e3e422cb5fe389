"""From a network to answers: embeddings in a file or a store, and exact search in either.

Needs the extra `search` (pyarrow, lancedb), so `import dien_lightning` does not come here.
"""

from dien_lightning.search.about import About, check_same_network
from dien_lightning.search.answers import ask, find
from dien_lightning.search.embedding_job import embed_files
from dien_lightning.search.embeddings_file import EmbeddingsFile
from dien_lightning.search.exact import Gallery, Nearest, nearest
from dien_lightning.search.filters import Filter

__all__ = [
    "About",
    "EmbeddingsFile",
    "Filter",
    "Gallery",
    "Nearest",
    "ask",
    "check_same_network",
    "embed_files",
    "find",
    "nearest",
]
