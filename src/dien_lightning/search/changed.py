"""Whether the images that a store has are still those that lie under their paths."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dien_lightning.checks import amount
from dien_lightning.search.embeddings_file import EmbeddingsFile, embedding_of

# Of 64 drawn crops, a picture embedded in bfloat16 and in float32 lay 0.08 apart at most, one moved by a pixel 0.32 at
# least, and its nearest other picture 0.62 at least.
_APART = 0.2


def check_unchanged(place: str, table: Any, known: pa.Table, file: EmbeddingsFile) -> None:
    """Refuse a file in which an image that the store has is another picture's by its embedding.

    Embeddings tell, and not files: a store says nothing of the files that it was made of, and these may be gone.

    Args:
        place: of the store, for the sentence.
        table: of LanceDB.
        known: path and _rowid of each image in it.
        file: of the same network, dtype and way.

    Raises:
        ValueError: such an image, and how many there are.
    """
    changed: list[str] = []
    for rows in file.tables(["path", "embedding"]):
        places = pc.index_in(rows["path"], value_set=known["path"])
        again, numbers = rows.filter(places.is_valid()), known["_rowid"].take(places.drop_null()).to_pylist()
        if numbers:
            stored = table.take_row_ids(numbers).select(["path", "embedding"]).to_arrow()  # in an order of its own
            order = pc.index_in(again["path"], value_set=stored["path"]).to_pylist()
            apart = embedding_of(again).float() - embedding_of(stored).float()[order]
            changed += again["path"].filter(pa.array((apart.norm(dim=1) > _APART).numpy())).to_pylist()
    if changed:
        raise ValueError(
            f"store={place} has another picture under {amount(len(changed), 'path')} of {file.path}, the first is "
            f"{changed[0]}: its embedding lies more than {_APART} from the one that is there. Nothing was added; give "
            f"new crops new names, or create the store anew."
        )
