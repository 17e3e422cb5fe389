#!/usr/bin/env bash
# A loop that binds its output once and keeps each batch's embeddings has the last batch's in every place.
#
# With:   onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Does:   bind_output() without a buffer lets the session allocate one at the first run and write into it at each run
#         after; OrtValue.numpy() shows that memory and copies nothing.
# Guess:  who gives no buffer gets a new one each time, as from session.run().
# Seen:   1 of 4 batches right after the loop, where each was right when it was read.
# Beside: binding the output before each run gives 4 of 4, and so does copy_outputs_to_cpu() with one binding.
# Use:    session.run(), or binding.copy_outputs_to_cpu() instead of get_outputs().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

draw = np.random.default_rng(0)
WEIGHT = draw.normal(size=(48, 32)).astype(np.float32)
graph = helper.make_graph(
    [helper.make_node("MatMul", ["crops", "weight"], ["embeddings"])],
    "network",
    [helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["batch", 48])],
    [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["batch", 32])],
    [numpy_helper.from_array(WEIGHT, "weight")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
batches = [draw.normal(size=(8, 48)).astype(np.float32) for _ in range(4)]


def right(each_time, copied):
    """How many of the batches' embeddings are right after the loop, and how many were when they were read."""
    binding, kept, at_once = session.io_binding(), [], 0
    binding.bind_output("embeddings", "cpu")
    for batch in batches:
        binding.bind_cpu_input("crops", batch)
        if each_time:
            binding.bind_output("embeddings", "cpu")
        session.run_with_iobinding(binding)
        kept.append(binding.copy_outputs_to_cpu()[0] if copied else binding.get_outputs()[0].numpy())
        at_once += np.allclose(kept[-1], batch @ WEIGHT, atol=1e-4)
    return sum(np.allclose(k, b @ WEIGHT, atol=1e-4) for k, b in zip(kept, batches)), at_once


seen = {
    "bound once": right(False, False),
    "bound each time": right(True, False),
    "bound once, copied": right(False, True),
    "session.run": sum(np.allclose(session.run(None, {"crops": b})[0], b @ WEIGHT, atol=1e-4) for b in batches),
}
expected = dict(zip(seen, ((1, 4), (4, 4), (4, 4), 4)))
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
