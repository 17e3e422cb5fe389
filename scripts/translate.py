"""The door to `dien translate`."""

from dien_lightning.experiments.cli import main

main("translate")
