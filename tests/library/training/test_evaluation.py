"""Embedding and evaluation: one way, whoever asks; what its sets are, and what a flip does."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from dien_lightning import DIEN, embed_images
from dien_lightning.network.normalization import DomainBatchNorm
from dien_lightning.training import EpochChoice, embed, evaluate
from dien_lightning.training.evaluation import EvaluationResults, gather_from_loader
from dien_lightning.types import Sample
from library.training.modules import build, trainer


def network(attention_loops: int = 1) -> DIEN:
    torch.manual_seed(0)
    return DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=attention_loops, image_size=(64, 32))


def batch(images: torch.Tensor) -> Sample:
    """Two people, each a query in camera 0 and a gallery image in camera 1."""
    number = torch.arange(4)
    return Sample(images, number // 2, number % 2, number, number % 2 == 0)


IMAGES = torch.randn(4, 3, 64, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_every_way_to_embed_gives_the_same_bits(precision, data, tmp_path):
    module, run, how = build(), trainer(precision=precision), {"precision": precision}
    run.test(module, data, verbose=False)
    ranked = module.metrics["target"].gather()
    expected = torch.cat([ranked.query, ranked.gallery])
    paths = [record.path for part in data.evaluation_records("target") for record in part]
    assert torch.equal(embed_images(module.network, paths, **how), expected)
    assert torch.equal(normalize(torch.cat(run.predict(module, data)[0]), dim=1), expected)
    module.network.train()  # as between two epochs
    loaders = dict(zip(data.evaluation_domains, data.test_dataloader(), strict=True))
    evaluated = evaluate(module.network, loaders, **how)
    again = evaluated.metrics["target"].gather()
    assert torch.equal(torch.cat([again.query, again.gallery]), expected)
    assert evaluated.results["source"].figures() == module.results["source"].figures()
    assert module.network.training
    mirrored = evaluate(module.network, loaders, flip=True, **how).metrics["target"].gather()
    flipped = embed_images(module.network, paths, flip=True, **how)
    assert torch.equal(torch.cat([mirrored.query, mirrored.gallery]), flipped)
    labels_free, _ = EpochChoice(tmp_path)._embed(run, module)
    training = embed_images(module.network, [record.path for record in data.target.train], **how)
    assert torch.equal(normalize(labels_free, dim=1), training)


def test_precision_layout_and_domain_are_honoured(monkeypatch):
    seen, forward = [], DIEN.forward

    def watched(self, images, domain):
        is_last = images.is_contiguous(memory_format=torch.channels_last)
        seen.append((torch.is_autocast_enabled("cpu"), is_last, domain))
        return forward(self, images, domain)

    monkeypatch.setattr(DIEN, "forward", watched)
    embed(network(), IMAGES, precision="32-true", channels_last=False)
    with torch.autocast("cpu", torch.bfloat16):  # the caller's own changes nothing
        embed(network(), [IMAGES, batch(IMAGES)], precision="32-true", domain="target")
    embed(network(), IMAGES, precision="bf16-mixed")
    assert seen == [(False, False, "source"), (False, True, "target"), (False, True, "target"), (True, True, "source")]
    assert embed(network().double(), IMAGES, precision="64-true").embedding.dtype == torch.float64


def test_float32_is_float32_on_a_gpu_too(monkeypatch):
    backends, lower = (torch.backends.cudnn.conv, torch.backends.mkldnn.matmul), ["tf32", "bf16"]
    before, seen, forward = [backend.fp32_precision for backend in backends], [], DIEN.forward

    def watched(self, images, domain):
        seen.append([backend.fp32_precision for backend in backends])
        return forward(self, images, domain)

    def put(precisions):
        for backend, precision in zip(backends, precisions, strict=True):
            backend.fp32_precision = precision

    monkeypatch.setattr(DIEN, "forward", watched)
    own = network()
    try:
        put(lower)
        embed(own, IMAGES, precision="32-true")
        gather_from_loader(own, [batch(IMAGES)], precision="32-true")
        assert [backend.fp32_precision for backend in backends] == lower
    finally:
        put(before)
    assert seen == [["ieee", "ieee"]] * 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("has_bfloat16", [False, True])
def test_auto_computes_in_the_type_of_weights_that_are_not_float32(has_bfloat16, dtype, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has_bfloat16})
    assert embed(network().to(dtype), IMAGES).embedding.dtype == dtype


def test_without_statistics_of_the_target_the_sources_are_taken():
    own = network()
    for layer in own.modules():
        if isinstance(layer, DomainBatchNorm):
            layer.running_mean[1] += 1
    plain = embed(own, IMAGES, precision="32-true").embedding
    assert torch.equal(plain, embed(own, IMAGES, precision="32-true", domain="source").embedding)
    own.gather_statistics([IMAGES], "target")
    assert not torch.equal(plain, embed(own, IMAGES, precision="32-true").embedding)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: embed(network(), []), r"embed was given no images; give a batch \(B, 3, H, W\)"),
        (
            lambda: embed(network(), IMAGES, precision="8-true"),
            "precision='8-true' is not allowed; choose one of 32-true",
        ),
        (
            lambda: embed(network(), IMAGES, precision="64-true"),
            r"precision=64-true needs .* network\.to\(torch.float64",
        ),
        (lambda: embed_images(network(), "crops"), r"paths='crops' must be a list of image files"),
        (lambda: embed_images(network(), []), r"paths=\[\] must be a list of image files"),
        (lambda: embed_images(network(), (path for path in ["a.jpg"])), "must be a list of image files"),
        (lambda: evaluate(network(), {"market": []}), "set='market' is not allowed; choose one of target, source"),
        (lambda: EvaluationResults()["target"], "target: not evaluated: nothing has been yet"),
    ],
)
def test_what_cannot_be_embedded_or_asked_for_is_told(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(
    ("loops", "names", "each_pass", "expected"),
    [
        (1, ["target", "source"], False, ["target", "source"]),
        (1, ["target", "source"], True, ["target", "source", "pass0", "pass1"]),
        (0, ["target", "source"], True, ["target", "source"]),
        (1, ["source"], True, ["source"]),
    ],
)
def test_every_set_and_pass_is_ranked_over_its_own_images(loops, names, each_pass, expected):
    loaders = {name: [batch(IMAGES)] for name in names}
    evaluated = evaluate(network(loops), loaders, each_pass=each_pass, precision="32-true")
    assert list(evaluated.results) == list(evaluated.metrics) == expected
    with torch.no_grad():
        output = network(loops).eval()(IMAGES, "source")
    wanted = {"target": output.embedding, "source": output.embedding, "pass0": output.steps[:, 0]}
    wanted["pass1"] = output.steps[:, -1]
    for name in expected:
        torch.testing.assert_close(evaluated.metrics[name].gather().query, normalize(wanted[name][::2], dim=1))
    assert evaluated.images_per_second > 0
    lines = repr(evaluated.results).splitlines()
    assert [line.split(":")[0] for line in lines] == list(dict.fromkeys(["target", "source", *expected]))
    assert ("rank1" in lines[0]) == ("target" in names)
    if "target" not in names:
        assert lines[0] == "target: not evaluated: no labelled query and gallery was given"


def test_the_layers_are_asked_for_their_statistics_once_however_many_batches_come(monkeypatch):
    asked, gathered = [], DomainBatchNorm.gathered
    monkeypatch.setattr(DomainBatchNorm, "gathered", lambda self, domain: asked.append(1) or gathered(self, domain))
    own, times = network().eval(), []
    for number in (1, 3):
        asked.clear()
        evaluate(own, {"target": [batch(IMAGES)] * number}, precision="32-true")
        times.append(len(asked))
    assert times[0] == times[1] > 0


def test_a_flip_averages_two_embeddings_of_unit_length():
    plain = [embed(network(), images).embedding for images in (IMAGES, IMAGES.flip(-1))]
    expected = torch.stack([normalize(each, dim=1) for each in plain]).mean(0)
    torch.testing.assert_close(embed(network(), IMAGES, flip=True).embedding, expected)


def test_a_flip_changes_nothing_for_images_that_are_their_own_mirror_image():
    half = torch.randn(4, 3, 64, 16)
    images = torch.cat([half, half.flip(-1)], dim=-1)
    plain, flipped = (embed(network(), images, flip=flip, each_pass=True) for flip in (False, True))
    for one, other in zip(plain[:2], flipped[:2], strict=True):
        torch.testing.assert_close(normalize(one, dim=-1), normalize(other, dim=-1))


def test_an_image_and_its_mirror_image_embed_alike_with_a_flip():
    one, other = (embed(network(), images, flip=True).embedding for images in (IMAGES, IMAGES.flip(-1)))
    torch.testing.assert_close(one, other)
