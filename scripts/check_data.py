"""The door to `dien_lightning.experiments.check`."""

from dien_lightning.experiments.check import main
from dien_lightning.experiments.command import run

if __name__ == "__main__":
    run(main)
