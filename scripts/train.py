"""The door to `dien train`."""

import sys

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
