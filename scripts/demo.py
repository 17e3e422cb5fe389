"""The door to `dien_lightning.experiments.demo`."""

from dien_lightning.experiments.command import run
from dien_lightning.experiments.demo import main

if __name__ == "__main__":
    run(main)
