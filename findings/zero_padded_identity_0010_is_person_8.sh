#!/usr/bin/env bash
# Market-1501's person 0010 becomes person 8 in a configuration file, and stays "0010" on Hydra's command line.
#
# With:   hydra-core 1.3.8, omegaconf 2.3.1, PyYAML 6.0.4
# Does:   YAML 1.1 reads digits behind a leading 0 as octal where they are octal, else leaves them text; minutes behind
#         a colon make a number of base 60; NO is false. Hydra's override grammar knows none of the three, so the same
#         characters mean two things, and one list holds numbers and text side by side.
# Guess:  ids: [0002, 0010, 0008] gives 2, 10, 8, in the file as on the command line.
# Seen:   file [2, 8, '0008', 690, False], command line ['0002', '0010', '0008', '11:30', 'NO'].
# Beside: 1_000 is 1000 in both; 1e-4 is a number in OmegaConf and in Hydra, and text in PyYAML alone.
# Use:    quotes in the file ('0010'), or names that start with a letter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet hydra-core==1.3.8 omegaconf==2.3.1 PyYAML==6.0.4
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

GIVEN = "[0002, 0010, 0008, 11:30, NO]"


def on_the_command_line(values):
    return OverridesParser.create().parse_override(f"ids={values}").value()


seen = {
    "file": list(OmegaConf.create(f"ids: {GIVEN}").ids),
    "command line": on_the_command_line(GIVEN),
    "1_000": [OmegaConf.create("n: 1_000").n, *on_the_command_line("[1_000]")],
    "1e-4": [OmegaConf.create("n: 1e-4").n, *on_the_command_line("[1e-4]"), yaml.safe_load("1e-4")],
}
expected = {
    "file": [2, 8, "0008", 690, False],
    "command line": ["0002", "0010", "0008", "11:30", "NO"],
    "1_000": [1000, 1000],
    "1e-4": [0.0001, 0.0001, "1e-4"],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
