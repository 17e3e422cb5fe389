"""The door to `dien_lightning.experiments.table`."""

from dien_lightning.experiments.command import run
from dien_lightning.experiments.table import main

if __name__ == "__main__":
    run(main)
