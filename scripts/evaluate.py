"""The door to `dien_lightning.experiments.evaluate`."""

from dien_lightning.experiments.command import run
from dien_lightning.experiments.evaluate import main

if __name__ == "__main__":
    run(main)
