"""The door to `dien_lightning.experiments.report`."""

from dien_lightning.experiments.command import run
from dien_lightning.experiments.report import main

if __name__ == "__main__":
    run(main)
