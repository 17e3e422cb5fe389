#!/usr/bin/env bash
# `Dataset.map(network.embed)` gives the embeddings of the network before it was trained on.
#
# With:   datasets 5.2.0, pyarrow 26.0.1, numpy 2.4.6
# Does:   the cache's key is a pickle of the function. One from a module is pickled by its name: neither its code nor
#         the weights it reads are in the key.
# Guess:  the key covers what the function uses, as it does in a notebook: other weights, another computation.
# Seen:   a script embeds, the weights' file is replaced, the script runs again: the first weights' embeddings. So too
#         once the module's code adds 100 to the image, and once its weights are doubled in the same process.
# Beside: a function of the script itself, a method of an object, weights in fn_kwargs: computed anew for other weights.
#         For other code of the module none of them is: 5 stays 5 until the weights are doubled, then it is 1,010.
# Use:    fn_kwargs with a digest of checkpoint and code, or load_from_cache_file=False.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pyarrow==26.0.1 numpy==2.4.6
cd "$folder"
cat > network.py <<'PYTHON'
import numpy as np

weights = np.load("weights.npy")


def embed(row, of=None):
    return {"embedding": (np.array(row["image"]) * (weights if of is None else of)).tolist()}


class Network:
    def __init__(self):
        self.weights = weights

    def embed(self, row):
        return embed(row, self.weights)
PYTHON
cat > run.py <<'PYTHON'
import sys

import datasets
import network
import numpy as np

datasets.disable_progress_bars()
crops = datasets.load_dataset("parquet", data_files="crops.parquet", split="train", cache_dir="cache")
of_object = network.Network()


def here(row):
    return network.embed(row, network.weights)


def first(function, **options):
    return crops.map(function, **options)[0]["embedding"][0]


for _ in range(1 + sys.argv.count("double")):
    given = {"of": network.weights}
    print(first(network.embed), first(here), first(of_object.embed), first(network.embed, fn_kwargs=given))
    network.weights *= 2
PYTHON
python="env HF_HOME=$folder/home HF_HUB_OFFLINE=1 $folder/venv/bin/python -B"
cat > make.py <<'PYTHON'
import datasets

datasets.Dataset.from_dict({"image": [[1.0, 1.0]]}).to_parquet("crops.parquet")
PYTHON
weigh() { $python -c "import numpy; numpy.save('weights.npy', numpy.full(2, $1))"; }
$python make.py > log 2>&1 || { tail -3 log; exit 1; }
weigh 1.0
first=$($python run.py)
weigh 5.0
weights=$($python run.py)
sed -i 's/(np.array(row\["image"\])/((100 + np.array(row["image"]))/' network.py
code=$($python run.py double)
printf 'first\n%s\nother weights\n%s\nother code, then doubled\n%s\n' "$first" "$weights" "$code" | tee seen
cat > before <<'TEXT'
first
1.0 1.0 1.0 1.0
other weights
1.0 5.0 5.0 5.0
other code, then doubled
1.0 5.0 5.0 5.0
1.0 1010.0 1010.0 1010.0
TEXT
cmp -s before seen || { echo "changed; before, the first column was 1.0 in each run"; exit 1; }
