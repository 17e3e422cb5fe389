"""The door to `dien report`."""

import sys

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main(["report", *sys.argv[1:]])
