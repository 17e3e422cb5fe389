"""What a killed run goes on from: named arrays in one file, whole or not there, with the fingerprint of their run."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from dien_lightning.atomic import atomic_write
from dien_lightning.rivals.umdl.learning import Progress
from dien_lightning.rivals.umdl.objective import State

_FINGERPRINT = "fingerprint"


def digest(*parts: Any) -> str:
    """A digest of plain values, to be a fingerprint."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def contents(paths: Sequence[str]) -> str:
    """A digest of what files hold, in their order, wherever they lie: drawn sets of other people have the same names.

    Raises:
        OSError: a file cannot be read.
    """
    return digest(*(hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest() for path in paths))


def save(path: Path, arrays: Mapping[str, np.ndarray], fingerprint: str) -> None:
    """Write them in one step."""
    with atomic_write(path) as draft, draft.open("wb") as file:
        np.savez(file, **{**arrays, _FINGERPRINT: np.array(fingerprint)})  # type: ignore[arg-type]


def load(path: Path, fingerprint: str) -> dict[str, np.ndarray] | None:
    """What `save` wrote; None where it is not there.

    Raises:
        ValueError: it is of another fingerprint, or damaged.
    """
    if not path.is_file():
        return None
    try:
        with np.load(path) as file:
            found = {name: file[name] for name in file.files}
        had = str(found.pop(_FINGERPRINT))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged ({error}); delete it, and what it held is computed again.") from None
    if had != fingerprint:
        raise ValueError(
            f"{path} is of a run with other images or settings; go on with its own, or choose another run_dir."
        )
    return found


def save_progress(path: Path, progress: Progress, fingerprint: str) -> None:
    """Keep an iteration's end."""
    graph = progress.target_graph
    sparse = {"graph_data": graph.data, "graph_indices": graph.indices, "graph_indptr": graph.indptr}
    numbers = {"iterations": np.array(progress.iterations), "objective": np.array(progress.objective)}
    save(path, {**progress.state._asdict(), **sparse, **numbers}, fingerprint)


def load_progress(path: Path, fingerprint: str) -> Progress | None:
    """The iteration that was kept last; None before the first.

    Raises:
        ValueError: as `load`.
    """
    found = load(path, fingerprint)
    if found is None:
        return None
    state = State(**{name: found[name] for name in State._fields})
    size = len(state.target_codes)
    graph = csr_array((found["graph_data"], found["graph_indices"], found["graph_indptr"]), shape=(size, size))
    return Progress(state, graph, int(found["iterations"]), float(found["objective"]))
