"""Files and folders that are whole or not there: whoever reads a file sees the old content or the new, never half."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replace a file in one step: what is written to the path that is yielded takes its place at the end.

    A kill, an error or a full disk leaves what the file held before. Missing folders are made. A link stays, and the
    file that it leads to is replaced.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be written; says where, why and what to do.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "results", "table.md")
        >>> with atomic_write(file) as draft:
        ...     _ = draft.write_text("| rank-1 |")
        >>> file.read_text()
        '| rank-1 |'
    """
    path = Path(path)
    file_itself = Path(os.path.realpath(path))
    draft = file_itself.with_name(file_itself.name + ".part")
    try:
        if file_itself.is_symlink():
            raise OSError("it is a link that leads back to itself")
        file_itself.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not (path.is_file() or path.is_dir()):  # root could replace /dev/null
            raise OSError("it is a device or a pipe, in whose place a file would come")
        yield draft
        with draft.open("r+b") as file:
            os.fsync(file.fileno())  # else a power cut could keep the new name and lose the content
        os.replace(draft, file_itself)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        reason = error.strerror or error
        raise OSError(
            f"{path} cannot be written ({reason}); what it held before stays. Make room or give write access, then "
            f"run this again (a training: with resume=true)."
        ) from error


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path` that becomes `path` at the end, and is removed if anything goes wrong before.

    Args:
        path: of the folder; nothing is there, or an empty one.

    Raises:
        OSError: it cannot be written; says where, why and what to do.
    """
    draft = path.with_name(f".{path.name}.part")
    shutil.rmtree(draft, ignore_errors=True)  # left by a run that was killed
    try:
        draft.mkdir(parents=True)
        yield draft
        if path.exists():
            path.rmdir()
        draft.rename(path)
    except OSError as error:
        named = [Path(name) for name in (error.filename, error.filename2) if isinstance(name, str)]
        ours = (draft, *draft.parents)  # a folder above it may be what cannot be made
        is_ours = not named or any(name.is_relative_to(draft) or name in ours for name in named)
        if not error.errno or not is_ours:  # what was to be read, not what was to be written
            raise
        raise OSError(
            f"{path} cannot be written ({error.strerror}); nothing of it stays. Make room or give write access, then "
            "run this again."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def one_process_at_a_time(folder: Path) -> Iterator[None]:
    """While one process is inside, others wait; a kill lets the next one in. Where no folder can be locked, go on.

    Args:
        folder: what they work in.
    """
    descriptor = None
    try:
        import fcntl  # noqa: PLC0415 - not on Windows

        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except (ImportError, OSError):
        pass
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
