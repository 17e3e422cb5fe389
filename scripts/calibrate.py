"""The door to `dien calibrate`."""

from dien_lightning.experiments.cli import main

main("calibrate")
