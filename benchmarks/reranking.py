"""What k-reciprocal re-ranking takes: time and memory at Market-1501's or MSMT17's size, beside what it states.

    python benchmarks/reranking.py                # Market-1501's size
    python benchmarks/reranking.py size=msmt17

Embeddings are noise about one centre per identity, so that neighbourhoods overlap as those of people do.
"""

from __future__ import annotations

import resource
from pathlib import Path

import torch
from omegaconf import OmegaConf
from ranking import SIZES, WIDTH, seconds

from dien_lightning.retrieval import EvaluationSets, evaluate_sets, k_reciprocal_blocks, reranking_memory


def main() -> None:
    """One run in this process."""
    size = OmegaConf.from_cli().get("size", "market1501")
    num_query, num_gallery, num_ids, num_cameras = SIZES[size]
    torch.manual_seed(0)
    centers = torch.randn(num_ids, WIDTH)
    parts = {}
    for role, number in (("query", num_query), ("gallery", num_gallery)):
        pids = torch.randint(0, num_ids, (number,))
        embedding = torch.randn(number, WIDTH).mul_(4.0).add_(centers[pids])
        torch.nn.functional.normalize(embedding, dim=1, out=embedding)
        camids = torch.randint(0, num_cameras, (number,))
        parts |= {role: embedding, f"{role}_pids": pids, f"{role}_camids": camids}
    sets = EvaluationSets(**parts)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    results = []
    took = seconds(lambda: results.append(evaluate_sets(sets, k_reciprocal_blocks(sets))))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    stated = reranking_memory(num_query, num_gallery, WIDTH)
    plain = evaluate_sets(sets)
    print(f"{size}: mAP {plain.mAP:.3f} before, {results[0].mAP:.3f} after")
    print(f"| {took:.1f} s | beyond the inputs {(peak - before) / 1e6:,.0f} MB | stated {stated / 1e6:,.0f} MB |")


if __name__ == "__main__":
    main()
