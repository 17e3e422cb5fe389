"""The door to `dien check`."""

import sys

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main(["check", *sys.argv[1:]])
