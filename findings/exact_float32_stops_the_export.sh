#!/usr/bin/env bash
# Once torch is told to compute in full float32 as its manual says today, torch.export raises, without a GPU too.
#
# With:   torch 2.14.1
# Does:   export asks whether cuDNN may use TF32. `fp32_precision` and the older `allow_tf32` are two settings, and where
#         they contradict each other the question raises. `fp32_precision` leaves the older one at True.
# Guess:  `torch.backends.fp32_precision = "ieee"` makes embeddings exact on a GPU and changes nothing else.
# Seen:   RuntimeError from torch.export.export of one convolution, from torch.backends.cudnn.flags(...) and from reading
#         torch.backends.cudnn.allow_tf32. Training, torch.compile and torch.jit.trace go on, so it shows at the end.
# Beside: the same for cuDNN as a whole, for its convolutions alone, and for both its operators by name. After
#         cudnn.allow_tf32 = False nothing raises, whatever is set to "ieee" later; "tf32", written out, does no harm.
# Use:    torch.backends.cudnn.allow_tf32 = False, before or instead of fp32_precision.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 numpy==2.4.6
cd "$folder"
cat > uses.py <<'PYTHON'
import sys

import torch

cudnn = torch.backends.cudnn
network, images = torch.nn.Conv2d(3, 4, 3), torch.zeros(2, 3, 8, 8)
exec(sys.argv[1])


def with_flags():
    with cudnn.flags(enabled=True, deterministic=True):
        return network(images)


USES = {
    "export": lambda: torch.export.export(network, (images,)),
    "flags": with_flags,
    "allow_tf32": lambda: cudnn.allow_tf32,
    "backward": lambda: network(images).sum().backward(),
    "compile": lambda: torch.compile(network, backend="eager")(images),
    "trace": lambda: torch.jit.trace(network, images),
}
raising = []
for name, use in USES.items():
    try:
        use()
    except RuntimeError:
        raising.append(name)
print(f"{sys.argv[1]}: {' '.join(raising) or 'nothing'}")
PYTHON
for setting in 'pass' 'torch.backends.fp32_precision = "ieee"' 'cudnn.fp32_precision = "ieee"' \
    'cudnn.conv.fp32_precision = "ieee"' 'cudnn.conv.fp32_precision = cudnn.rnn.fp32_precision = "ieee"' \
    'cudnn.conv.fp32_precision = "tf32"' 'cudnn.allow_tf32 = False' \
    'cudnn.allow_tf32 = False; torch.backends.fp32_precision = "ieee"'; do
    OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore uses.py "$setting" 2> log || { tail -3 log; exit 1; }
done | tee seen
cat > before <<'TEXT'
pass: nothing
torch.backends.fp32_precision = "ieee": export flags allow_tf32
cudnn.fp32_precision = "ieee": export flags allow_tf32
cudnn.conv.fp32_precision = "ieee": export flags allow_tf32
cudnn.conv.fp32_precision = cudnn.rnn.fp32_precision = "ieee": export flags allow_tf32
cudnn.conv.fp32_precision = "tf32": nothing
cudnn.allow_tf32 = False: nothing
cudnn.allow_tf32 = False; torch.backends.fp32_precision = "ieee": nothing
TEXT
cmp -s before seen || { echo "changed; before, the four without allow_tf32 = False stopped the export"; exit 1; }
