"""The door to `dien rank`."""

from dien_lightning.experiments.cli import main

main("rank")
