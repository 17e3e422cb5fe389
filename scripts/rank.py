"""The door to `dien_lightning.experiments.rank`."""

from dien_lightning.experiments.command import run
from dien_lightning.experiments.rank import main

if __name__ == "__main__":
    run(main)
