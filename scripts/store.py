"""The door to `dien store`."""

from dien_lightning.experiments.cli import main

main("store")
