"""The door to `dien check`."""

from dien_lightning.experiments.cli import main

main("check")
