#!/usr/bin/env bash
# The same word, loops=range(1,5), sweeps 1 to 4 in Hydra, and 1 to 5 in Hydra with its Optuna sweeper.
#
# With:   hydra-core 1.3.8, hydra-optuna-sweeper 1.3.0, optuna 2.10.1
# Does:   Hydra's own sweeper reads range as Python does; the Optuna sweeper makes it a distribution whose upper bound
#         belongs to it.
# Guess:  one grammar, one set of values.
# Seen:   1 to 4, and 1 to 5: the longest runs are those that nobody asked for.
# Beside: range(0.1,0.5,0.2) gives 0.1 and 0.3, and reaches 0.5 under Optuna. It trains
#         loops=1 7 times in 20 trials, to the same end each time.
# Use:    choice(1,2,3,4), which both read alike; a grid sampler, where each value should come once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet hydra-core==1.3.8 hydra-optuna-sweeper==1.3.0 optuna==2.10.1
cd "$folder"
cat > train.py <<'PYTHON'
import hydra
from hydra.core.config_store import ConfigStore


@hydra.main(version_base=None, config_path=None, config_name="config")
def main(config):
    with open("../../../trained", "a") as file:
        file.write(f"{config.value:.4g}\n")
    return float(config.value)


ConfigStore.instance().store("config", {"value": 0.0, "hydra": {"job": {"chdir": True}}})
main()
PYTHON

trained() {  # the sweeper's words -> the values that were trained
    rm -f trained
    "$folder/venv/bin/python" -W ignore train.py -m hydra.sweep.dir=runs/one "$@" > log 2>&1 || { tail -3 log; exit 1; }
    sort -n trained | uniq -c | awk '{printf "%s(%s) ", $2, $1}'
}

optuna=(hydra/sweeper=optuna hydra.sweeper.n_trials=20 hydra.sweeper.n_jobs=1 hydra.sweeper.sampler.seed=0)
seen="grid $(trained 'value=range(1,5)'), Optuna $(trained "${optuna[@]}" 'value=range(1,5)')
grid $(trained 'value=range(0.1,0.5,0.2)'), Optuna $(trained "${optuna[@]}" 'value=range(0.1,0.5,0.2)')
choice $(trained 'value=choice(1,2,3,4)'), Optuna $(trained "${optuna[@]}" 'value=choice(1,2,3,4)')"
echo "value(times trained):"
echo "$seen"
values=$(echo "$seen" | sed -E 's/\([0-9]+\)//g')
test "$values" = "grid 1 2 3 4 , Optuna 1 2 3 4 5 
grid 0.1 0.3 , Optuna 0.1 0.3 0.5 
choice 1 2 3 4 , Optuna 1 2 3 4 " || { echo "changed; before, Optuna alone reached the end of a range"; exit 1; }
