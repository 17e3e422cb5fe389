"""The door to `dien table`."""

import sys

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main(["table", *sys.argv[1:]])
