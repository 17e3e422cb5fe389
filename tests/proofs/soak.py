"""Kill a tiny run again and again, at random, and feed it bad input: what `make soak` does.

python -m proofs.soak [minutes=60] [trials=N] [seed=0] [work=outputs/soak] [output=results/soak.json]

Every killed run is resumed until it ends, and must then have left the bytes that an undisturbed one leaves. Every bad
input, drawn by hypothesis, must end in one sentence. What survived is counted in the output file, which is written
after every trial; exit code 1 if anything did not.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

from dien_lightning.experiments.command import run
from proofs import bad_input
from proofs.kills import DAMAGES, MOMENTS, Death, differing, refusals
from proofs.runs import Runs
from proofs.soaking import soak
from proofs.tiny import draw_tiny_pair

_MANY = 5000  # bad inputs to be drawn: more than an hour has room for


class Soak(Runs):
    """The undisturbed run, and what is compared with it.

    Args:
        work: folder for data and runs; emptied.
        seed: of all that is random here.

    Raises:
        ValueError: the undisturbed run failed.
    """

    def __init__(self, work: Path, seed: int) -> None:
        shutil.rmtree(work, ignore_errors=True)
        self.draw = random.Random(seed)
        self.bad_input = iter(bad_input.draw(_MANY, seed))
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        draw_tiny_pair(work / "data")
        started = time.monotonic()
        super().__init__(work / "data", work)
        self.seconds = time.monotonic() - started
        self.commit = json.loads((work / "undisturbed" / "results.json").read_text())["commit"]

    def said(self, name: str) -> str:
        """The last lines of what a run printed."""
        return "\n".join(super().said(name).splitlines()[-15:])

    # ---- trials ----

    def trial(self, number: int) -> None:
        """Every third is of bad input."""
        self.refuse() if number % 3 == 2 else self.kill_and_resume()

    def kill_and_resume(self) -> None:
        """One run, killed a few times, in the end as the undisturbed one."""
        name, deaths = "killed", []
        shutil.rmtree(self.folder / name, ignore_errors=True)
        every = f"callbacks.checkpoint.every_n_train_steps={self.draw.choice(['null', '1', '2'])}"
        for _ in range(self.draw.randint(1, 5)):
            settings = (every, f"data.num_workers={self.draw.choice([0, 0, 1, 2])}", "resume=true")
            if self.draw.random() < 0.5:
                death, after = None, self.draw.uniform(0.05, 0.9) * self.seconds
            else:
                death = Death(*self.draw.choice(MOMENTS), self.draw.randint(1, 7), self.draw.random() < 0.5)
                after = 0
            code = self.train(name, *settings, death=death, after=after)
            if code not in (0, -signal.SIGKILL):
                self.faults.append(f"{' '.join(settings)} ended with {code}: {self.said(name)}")
                return
            if code == 0:
                break
            deaths.append(f"{settings[1]} {death.sentence() if death else f'after {after:.2f} s'}")
            self.counts["runs_killed"] += 1
            if self.draw.random() < 0.2:
                self._damage(name)
        code = self.train(name, "resume=true", f"data.num_workers={self.draw.choice([0, 1])}")
        if code:
            self.faults.append(f"the last resumed run ended with {code}: {self.said(name)}")
            return
        different = differing(self.folder / name, self.expected)
        self.counts["runs_resumed_to_the_end"] += 1
        self.counts["runs_identical_to_the_last_bit"] += not different
        if different:
            self.faults.append(
                f"{', '.join(different)} differ after {len(deaths)} kills: {'; '.join(deaths)} ({every})"
            )
            shutil.copytree(self.folder / name, self.folder / f"different_{len(self.faults)}")

    def _damage(self, name: str) -> None:
        """Damage last.ckpt where there is one before it."""
        folder = self.folder / name / "checkpoints"
        last = folder / "last.ckpt"
        if last.is_file() and (folder / "previous.ckpt").is_file():
            last.write_bytes(self.draw.choice(DAMAGES)(last.read_bytes(), self.draw.random()))
            self.counts["checkpoints_damaged"] += 1

    def refuse(self) -> None:
        """One bad override: exit code 1 and one sentence, long before an hour has gone."""
        name, override = "refused", next(self.bad_input)
        shutil.rmtree(self.folder / name, ignore_errors=True)
        code = self.train(name, "data.num_workers=0", override, after=10 * self.seconds + 60)
        self.counts["bad_inputs"] += 1
        if code == 1 and len(refusals(self.folder / f"{name}.log")) == 1:
            self.counts["bad_inputs_refused_in_one_sentence"] += 1
        else:
            self.faults.append(f"{override} ended with {code}: {self.said(name)}")


def main() -> None:
    """Soak trainings."""
    soak("soak", Soak)


if __name__ == "__main__":
    run(main)
