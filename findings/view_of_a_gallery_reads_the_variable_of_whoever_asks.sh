#!/usr/bin/env bash
# A view of the source's gallery answers with the target's, because the function that asks has a variable of that name.
#
# With:   duckdb 2.0.1, pandas 3.1.1, polars 2.1.0, pyarrow 26.0.1, numpy 2.4.6
# Does:   a view keeps its words. `gallery` is looked up anew at each query, first among the local variables of whoever
#         runs it, then among the global ones.
# Guess:  CREATE VIEW images AS SELECT * FROM gallery shows the frame that it was made of.
# Seen:   made of people 1, 2, 3 in the main script. Asked in a function whose own `gallery` has person 7: 7. Asked once
#         `gallery` has been filtered to people 2 and 3: those. Once it is a frame with other columns: those columns.
# Beside: a relation, con.sql("FROM gallery"), keeps its frame, and so does a view of con.register("kept", gallery); a
#         table copies the rows. Frames of Polars and tables of pyarrow change as those of pandas.
# Use:    con.register, or CREATE TABLE; never a view of a variable's name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

con = duckdb.connect()


def people(view):
    """Its people, asked where the one `gallery` in sight is the main script's."""
    return [person for (person,) in con.sql(f"SELECT pid FROM {view} ORDER BY pid").fetchall()]


def people_asked_beside(view, gallery):
    """The same, asked where `gallery` is a local variable."""
    found = con.sql(f"SELECT pid FROM {view} ORDER BY pid").fetchall()
    return [person for (person,) in found]


seen = {}
for kind, frame in {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}.items():
    gallery = frame({"pid": [1, 2, 3]})
    con.sql("CREATE OR REPLACE VIEW images AS SELECT * FROM gallery")
    con.register("kept", gallery)
    con.sql("CREATE OR REPLACE VIEW registered AS SELECT * FROM kept")
    con.sql("CREATE OR REPLACE TABLE copied AS SELECT * FROM gallery")
    relation = con.sql("SELECT * FROM gallery")
    seen[kind] = [people("images"), people_asked_beside("images", frame({"pid": [7]}))]
    gallery = frame({"pid": [2, 3]})
    seen[kind] += [people("images"), people("registered"), people("copied")]
    seen[kind].append(sorted(person for (person,) in relation.fetchall()))
    seen[kind].append(people_asked_beside("registered", frame({"pid": [7]})))

gallery = pd.DataFrame({"path": ["0001.jpg"], "camid": [4]})
columns = con.sql("FROM images").columns
for kind, found in seen.items():
    print(f"{kind}: made of {found[0]}, in a function {found[1]}, later {found[2]}; kept {found[3:]}")
print(f"columns once the variable is another frame: {columns}")
every = [1, 2, 3]
same = all(found == [every, [7], [2, 3], every, every, every, every] for found in seen.values())
sys.exit(0 if same and columns == ["path", "camid"] else "changed; before, the view showed 7, then 2 and 3, for 1 to 3")
PYTHON
