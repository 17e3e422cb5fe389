"""Shares a drawing job among child processes and leaves none of them behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator

from .worker import FAILED, Job

_WORKER = """
import sys
sys.path[:] = {path!r}
from dien_lightning.pedestrians.worker import main
main()
"""


def split_job(job: Job, parts: int) -> list[Job]:
    """The job's identities dealt out evenly."""
    dealt = [job._replace(train_pids=job.train_pids[i::parts], test_pids=job.test_pids[i::parts]) for i in range(parts)]
    return [part for part in dealt if part.train_pids or part.test_pids]


def draw_in_processes(job: Job, workers: int) -> Generator[int, None, None]:
    """Yield the pids as child processes finish them; leaves no process behind, however it ends.

    Raises:
        OSError: a process could not write.
        RuntimeError: a process failed in another way.
    """
    code = _WORKER.format(path=sys.path)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    read_end, write_end = os.pipe()
    processes: list[subprocess.Popen[bytes]] = []
    with open(read_end) as finished, tempfile.TemporaryFile() as complaints:
        try:
            try:
                for part in split_job(job, workers):
                    process = subprocess.Popen(
                        [sys.executable, "-c", code],
                        stdin=subprocess.PIPE,
                        stdout=write_end,
                        stderr=complaints,
                        env=environment,
                        start_new_session=True,  # Ctrl-C is ours to hear; the children are ended below
                    )
                    processes.append(process)
                    assert process.stdin is not None
                    process.stdin.write(json.dumps(part._asdict()).encode())
                    process.stdin.close()
            finally:
                os.close(write_end)
            for line in finished:
                yield int(line)
            codes = [process.wait() for process in processes]
            if number := next((code for code in codes if code > FAILED), 0):
                raise OSError(number, os.strerror(number))
            if any(codes):
                complaints.seek(0)
                raise RuntimeError(f"a drawing process failed:\n{complaints.read().decode(errors='replace').strip()}")
        finally:
            for process in processes:
                if process.poll() is None:
                    process.terminate()
                process.wait()
