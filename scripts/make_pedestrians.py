"""The door to `dien_lightning.experiments.draw`."""

from dien_lightning.experiments.command import run
from dien_lightning.experiments.draw import main

if __name__ == "__main__":
    run(main)
