"""The door to `dien serve`."""

from dien_lightning.experiments.cli import main

main("serve")
