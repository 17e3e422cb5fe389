"""The door to `dien_lightning.experiments.train`."""

from dien_lightning.experiments.command import run
from dien_lightning.experiments.train import main

if __name__ == "__main__":
    run(main)
