"""DIEN: shapes, the start at pass 0, the options the paper leaves open, and statistics per domain and pass."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d, adaptive_max_pool2d, normalize

from dien_lightning.network import DIEN, DomainBatchNorm
from library.network.networks import images, small

SIZES = [(64, 32), (65, 33), (70, 45), (128, 50)]


@pytest.fixture(scope="module")
def moved():
    """T = 2, masks away from 1 and statistics of both domains gathered; never changed by a test."""
    network = small(2, attention_start_at_one=False)
    network.gather_statistics([images(6, seed=1)], "source")
    network.gather_statistics([2 * images(6, seed=2) - 1], "target")
    return network.eval().requires_grad_(False)


def normalizations(network):
    return {name: module for name, module in network.named_modules() if isinstance(module, DomainBatchNorm)}


def statistics(network):
    return {name: buffer.clone() for name, buffer in network.named_buffers()}


def manual(network, batch, domain="target", update="refocus"):
    """The passes written out, layer by layer."""
    stage = network.hyperparameters["attention_stage"]
    network.condition.domain, network.condition.step = domain, 0

    def embed(features):
        for block in network.backbone.blocks[stage + 1 :]:
            features = block(features)
        both = [adaptive_avg_pool2d(features, 1).flatten(1), adaptive_max_pool2d(features, 1).flatten(1)]
        linear, norm, prelu = network.embedding
        return prelu(norm(linear(torch.cat(both, dim=1))))

    first = batch
    for block in network.backbone.blocks[: stage + 1]:
        first = block(first)
    features, steps = first, [embed(first)]
    for step in range(1, network.attention_loops + 1):
        network.condition.step = step
        seed = steps[-1][:, :, None, None]
        spatial = torch.sigmoid(network.attention.spatial(seed))
        channel = torch.sigmoid(network.attention.channel(seed))
        features = (first if update == "refocus" else features) * spatial * channel * network.attention.scale
        steps.append(embed(features))
    return steps


# ---- shapes ----


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_any_image_size_and_stage(size, stage):
    network = small(2, attention_stage=stage).eval()
    with torch.no_grad():
        output = network(images(2, *size))
    assert output.embedding.shape == (2, 16)
    assert output.steps.shape == (2, 3, 16)
    channels = network.backbone.channels[stage]
    assert [mask.channel.shape for mask in output.masks] == [(2, channels, 1, 1)] * 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", [1, 4])
def test_laid_out_for_any_image_size(size, stage):
    network = small(1, attention_stage=stage, image_size=size).eval()
    with torch.no_grad():
        assert network(images(2, *size)).embedding.shape == (2, 16)


def test_the_paper_sized_mask_fits_its_map():
    network = DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=1).eval()  # 256 x 128
    with torch.no_grad():
        assert network(images(1, 256, 128)).masks[0].spatial.shape == (1, 1, 64, 32)


def test_without_attention():
    network = small(0).eval()
    output = network(images(2))
    assert torch.equal(output.embedding, output.steps[:, 0])
    assert output.steps.shape == (2, 1, 16)
    assert (output.masks, network.attention, network.fusion) == ((), None, None)
    assert network.fusion_weights() == [1.0]


def test_embedding_is_pool_linear_norm_prelu(moved):
    torch.testing.assert_close(moved(images()).steps[:, 0], manual(moved, images())[0])
    kinds = [type(layer).__name__ for layer in moved.embedding]
    assert kinds == ["Linear", "DomainBatchNorm", "PReLU"]
    assert moved.embedding[0].in_features == 2 * 512


def test_images_are_left_alone(moved):
    batch = images()
    moved(batch)
    assert torch.equal(batch, images())


# ---- the start ----


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [(64, 32), (70, 45)])
@pytest.mark.parametrize("update", ["refocus", "accumulate"])
def test_untrained_passes_give_the_embedding_of_pass_0(training, size, update):
    with_attention = small(3, attention_update=update).train(training)
    without = small(0).train(training)
    expected = without(images(4, *size)).embedding
    output = with_attention(images(4, *size))
    for step in output.steps.unbind(1):
        assert torch.equal(step, expected)
    torch.testing.assert_close(output.embedding, expected, rtol=1e-6, atol=1e-7)
    for mask in output.masks:
        assert (mask.spatial == 0.5).all()
        assert (mask.channel == 0.5).all()


@pytest.mark.parametrize("loops", [1, 2, 5])
def test_fusion_starts_at_the_mean(loops):
    network = small(loops)
    assert network.fusion_weights() == pytest.approx([1 / (loops + 1)] * (loops + 1))
    assert network.fusion.bias is None
    assert network.fusion.kernel_size == (1,)


def test_fusion_is_a_weighted_sum(moved):
    network = copy.deepcopy(moved)
    with torch.no_grad():
        network.fusion.weight.copy_(torch.tensor([[[0.5], [-1.0], [2.0]]]))
    output = network(images())
    first, second, third = output.steps.unbind(1)
    torch.testing.assert_close(output.embedding, 0.5 * first - second + 2 * third)
    assert network.fusion_weights() == [0.5, -1.0, 2.0]


# ---- what the paper leaves open ----


@pytest.mark.parametrize("update", ["refocus", "accumulate"])
def test_passes_as_written_out(update):
    network = small(3, attention_start_at_one=False, attention_update=update).double().eval()
    batch = images(2).double()
    expected = manual(network, batch, update=update)
    torch.testing.assert_close(network(batch).steps, torch.stack(expected, dim=1))


def test_refocus_and_accumulate_part_at_the_second_pass(moved):
    other = small(2, attention_start_at_one=False, attention_update="accumulate").eval()
    other.load_state_dict(moved.state_dict())
    ours, theirs = moved(images()).steps, other(images()).steps
    assert torch.equal(ours[:, :2], theirs[:, :2])
    assert not torch.allclose(ours[:, 2], theirs[:, 2])


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_the_stage_that_is_masked(stage):
    batch = images(2, 128, 128).double()  # a map of 4 x 4 at stage 4: no mask is resized
    network = small(1, attention_stage=stage, attention_start_at_one=False, image_size=(128, 128)).double().eval()
    torch.testing.assert_close(network(batch).steps, torch.stack(manual(network, batch), dim=1))


def test_attention_input(moved):
    other = small(2, attention_start_at_one=False, attention_input="normalized").eval()
    other.load_state_dict(moved.state_dict())
    raw, unit = moved(images()), other(images())
    other.condition.step = 1
    expected = other.attention(normalize(unit.steps[:, 0], dim=1))
    torch.testing.assert_close(unit.masks[0].spatial, expected.spatial)
    assert not torch.allclose(unit.masks[0].spatial, raw.masks[0].spatial)


@pytest.mark.parametrize("detach", [False, True])
def test_gradients_flow_through_the_mask_unless_detached(detach):
    network = small(1, attention_start_at_one=False, attention_detach=detach)
    mask = network(images()).masks[0]
    (mask.spatial.sum() + mask.channel.sum()).backward()
    reached = {name.split(".")[0] for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert reached == ({"attention"} if detach else {"attention", "embedding", "backbone"})


def test_attention_widths_and_reduction():
    network = small(1, attention_widths=(6, 5), attention_reduction=4)
    assert [network.attention.spatial[i].out_channels for i in (0, 3, 6)] == [6, 5, 1]
    assert network.attention.channel[0].out_channels == 4
    assert network(images()).embedding.shape == (4, 16)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_coarse_mask_weights_the_whole_map_without_steps(stride):
    network = small(1, attention_start_at_one=False, attention_stride=stride).eval()  # the map is 16 x 8
    mask = network(images()).masks[0]
    assert mask.spatial.shape == (4, 1, 16 // stride, max(4, 8 // stride))  # its sides are multiples of 4
    applied = network.attention.apply_mask(torch.ones(4, 64, 16, 8), mask) / (network.attention.scale * mask.channel)
    assert applied.shape == (4, 64, 16, 8)
    assert applied.diff(dim=2).abs().max() <= mask.spatial.diff(dim=2).abs().max() / stride + 1e-6


def test_a_stride_below_one_is_refused():
    with pytest.raises(ValueError, match="attention_stride"):
        small(1, attention_stride=0)


# ---- training ----


@pytest.mark.parametrize("loops", [0, 2])
@pytest.mark.parametrize("changes", [{}, {"attention_stage": 4}, {"backbone": "mobilenet_v2"}])
def test_every_parameter_gets_a_gradient(loops, changes):
    network = small(loops, **changes)
    outputs = [network(images(seed=seed), domain) for seed, domain in enumerate(("source", "target"))]
    sum(output.embedding.square().sum() for output in outputs).backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert without == []


def test_float64(moved):
    network = copy.deepcopy(moved).double()
    output = network(images().double())
    assert output.embedding.dtype == torch.float64
    torch.testing.assert_close(output.embedding.float(), moved(images()).embedding, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("training", [True, False])
def test_bfloat16_autocast_keeps_the_embedding_in_float32(moved, training):
    network = copy.deepcopy(moved).train(training)
    pooled = []
    network.embedding.register_forward_pre_hook(lambda layer, arguments: pooled.append(arguments[0]))
    with torch.autocast("cpu", torch.bfloat16):
        output = network(images())
    assert output.embedding.dtype == output.steps.dtype == output.masks[0].spatial.dtype == torch.float32
    network.condition.step = 0
    assert torch.equal(network.embedding(pooled[0]), output.steps[:, 0])  # no digit lost behind the pooling
    assert all(buffer.dtype in (torch.float32, torch.int64) for buffer in network.buffers())


def test_bfloat16_autocast_starts_at_pass_0_too():
    network = small(2).eval()
    with torch.autocast("cpu", torch.bfloat16):
        first, *others = network(images()).steps.unbind(1)
    assert all(torch.equal(step, first) for step in others)


def test_channels_last_gives_the_same(moved):
    network = copy.deepcopy(moved).double()
    expected = network(images(2).double()).embedding
    network = network.to(memory_format=torch.channels_last)
    output = network(images(2).double().contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(output.embedding, expected, rtol=1e-9, atol=1e-10)


def test_a_copy_has_a_condition_of_its_own(moved):
    network = copy.deepcopy(moved)
    assert network.condition is not moved.condition
    assert all(layer.condition is network.condition for layer in normalizations(network).values())
    assert torch.equal(network(images(), "source").embedding, moved(images(), "source").embedding)
    assert not torch.equal(network(images(), "target").embedding, network(images(), "source").embedding)


def test_state_dict_round_trip(moved):
    network = small(2, seed=9, attention_start_at_one=False).eval()
    network.load_state_dict(moved.state_dict())
    for domain in ("source", "target"):
        assert torch.equal(network(images(), domain).embedding, moved(images(), domain).embedding)


def test_same_seed_same_network():
    assert torch.equal(small(1).eval()(images()).embedding, small(1).eval()(images()).embedding)
    assert not torch.equal(small(1).eval()(images()).embedding, small(1, seed=1).eval()(images()).embedding)


# ---- statistics per domain and pass ----


def seen(network, domain):
    slot = ("source", "target").index(domain)
    return {name: layer.batches[slot].tolist() for name, layer in normalizations(network).items()}


@pytest.mark.parametrize("stage", [1, 3])
def test_each_pass_of_each_domain_moves_its_own(stage):
    network = small(2, attention_stage=stage)
    network(images(), "source")
    for name, batches in seen(network, "source").items():
        once = name.startswith(tuple(f"backbone.blocks.{block}." for block in range(stage + 1)))
        passes = 2 if name.startswith("attention") else 1 if once else 3
        assert batches == [1] * passes
        assert seen(network, "target")[name] == [0] * passes
    assert (network.gathered("source"), network.gathered("target")) == (True, False)
    network(images(), "target")
    assert network.gathered("target")


def test_passes_differ_once_masks_do():
    network = small(2, attention_start_at_one=False)
    network(images(), "source")
    norm = network.embedding[1]
    assert not torch.allclose(norm.running_mean[0, 0], norm.running_mean[0, 1])
    assert norm.running_mean[1].abs().max() == 0


def test_statistics_per_domain_are_shared_by_the_passes():
    network = small(2, statistics="domain")
    network(images(), "target")
    assert network.embedding[1].running_mean.shape == (2, 1, 16)
    assert seen(network, "target")["embedding.1"] == [3]
    assert seen(network, "target")["attention.spatial.1"] == [2]
    assert seen(network, "target")["backbone.blocks.0.1"] == [1]
    assert seen(network, "source")["embedding.1"] == [0]
    assert not network.gathered("source")


def test_joint_statistics_are_one_and_know_whose_images_they_saw():
    network = small(2, statistics="joint")
    network(images(), "source")
    assert network.gathered("source")
    assert not network.gathered("target")
    network.eval()
    assert torch.equal(network(images(), "source").embedding, network(images(), "target").embedding)


def test_target_is_the_default_domain(moved):
    assert torch.equal(moved(images()).embedding, moved(images(), "target").embedding)


def test_evaluation_moves_nothing(moved):
    before = statistics(moved)
    moved(images(), "source")
    assert all(torch.equal(buffer, before[name]) for name, buffer in statistics(moved).items())


@pytest.mark.parametrize("changes", [{}, {"statistics": "domain"}, {"statistics": "joint"}])
def test_gathered_statistics_are_the_equal_mean_over_batches(changes):
    network = small(1, attention_start_at_one=False, **changes).double()
    network(5 * images(2).double(), "target")  # to be forgotten
    inputs: dict[tuple[str, int], list] = {}

    def keep(name):
        def hook(layer, arguments, output):
            step = min(layer.condition.step - layer.first_step, layer.running_mean.shape[1] - 1)
            inputs.setdefault((name, step), []).append(arguments[0].transpose(0, 1).flatten(1))

        return hook

    for name, layer in normalizations(network).items():
        layer.register_forward_hook(keep(name))
    network.gather_statistics([images(count, seed=count).double() for count in (3, 2)], "target")
    slot = 0 if changes.get("statistics") == "joint" else 1
    for (name, step), batches in inputs.items():
        layer = normalizations(network)[name]
        means = torch.stack([batch.mean(1) for batch in batches]).mean(0)
        variances = torch.stack([batch.var(1) for batch in batches]).mean(0)
        torch.testing.assert_close(layer.running_mean[slot, step], means)
        torch.testing.assert_close(layer.running_var[slot, step], variances)
        assert layer.batches[:, step].tolist() == [0, len(batches)]
    assert len(inputs) >= len(normalizations(network))


def test_gathering_by_hand_at_the_first_layer():
    network = small(0)
    batches = [images(2, seed=seed) for seed in range(3)]
    network.gather_statistics(iter(batches), "source")
    convolution, norm = network.backbone.blocks[0][:2]
    maps = [convolution(batch) for batch in batches]
    torch.testing.assert_close(norm.running_mean[0, 0], sum(batch.mean((0, 2, 3)) for batch in maps) / 3)
    torch.testing.assert_close(norm.running_var[0, 0], sum(batch.var((0, 2, 3)) for batch in maps) / 3)


@pytest.mark.parametrize("training", [True, False])
def test_gathering_changes_nothing_else(training):
    network = small(1).train(training)
    network.train()(images(), "source")
    network.train(training)
    weights = {name: parameter.clone() for name, parameter in network.named_parameters()}
    source = {name: layer.running_mean[0].clone() for name, layer in normalizations(network).items()}
    network.gather_statistics([images()], "target")
    assert network.training == training
    assert all(layer.momentum == 0.1 for layer in normalizations(network).values())
    assert all(torch.equal(parameter, weights[name]) for name, parameter in network.named_parameters())
    assert all(torch.equal(layer.running_mean[0], source[name]) for name, layer in normalizations(network).items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_failing_batch_leaves_the_momentum_as_it_was():
    network = small(0).eval()
    with pytest.raises(ValueError, match="image_size"):
        network.gather_statistics([images(), images(2, 32, 32)])
    assert not network.training
    assert all(layer.momentum == 0.1 for layer in normalizations(network).values())


@pytest.mark.parametrize("batches", [[], [images(1)]])
def test_gathering_from_nothing_is_refused(batches):
    with pytest.raises(ValueError, match=r"no batches of target images to gather batch-norm statistics from; give at"):
        small(0).gather_statistics(batches)


def test_a_batch_of_one_image_is_left_out():
    with_it, without = small(0), small(0)
    with_it.gather_statistics([images(3), images(1, seed=1), images(2, seed=2)])
    without.gather_statistics([images(3), images(2, seed=2)])
    assert all(torch.equal(buffer, statistics(without)[name]) for name, buffer in statistics(with_it).items())


# ---- errors ----


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"attention_loops": -1}, r"attention_loops=-1 must be a whole number of at least 0; 0 switches the attention"),
        ({"attention_loops": 1.5}, r"attention_loops=1\.5 must be a whole number"),
        ({"embedding_dim": 0}, r"embedding_dim=0 must be a whole number of at least 1; the paper uses 2048\."),
        ({"attention_stage": 5}, r"attention_stage=5 is not allowed; choose one of 1, 2, 3, 4\."),
        ({"attention_update": "add"}, r"attention_update='add' is not allowed; choose one of refocus, accumulate\."),
        ({"attention_input": "pooled"}, r"attention_input='pooled' is not allowed; choose one of raw, normalized\."),
        ({"statistics": "camera"}, r"statistics='camera' is not allowed; choose one of domain_and_pass, domain, joint"),
        ({"image_size": (64, 16)}, r"image_size=64 x 16 must be two whole numbers of at least 64 x 32\."),
        ({"image_size": 256}, r"image_size=256 must be two whole numbers"),
        ({"backbone": "alexnet"}, r"backbone='alexnet' is unknown; choose one of resnet18"),
    ],
)
def test_errors_name_the_argument(argument, words):
    with pytest.raises(ValueError, match=words):
        DIEN(**({"backbone": "resnet18", "weights": None} | argument))


def test_errors_of_forward(moved):
    with pytest.raises(ValueError, match=r"image_size=63 x 32 must be two whole numbers of at least 64 x 32\."):
        moved(images(1, 63, 32))
    with pytest.raises(ValueError, match=r"domain='both' is not allowed; choose one of source, target\."):
        moved(images(1), "both")


def test_options_are_told_apart():
    """Each open point is an option that changes what comes out."""
    options = [
        {},
        {"attention_update": "accumulate"},
        {"attention_input": "normalized"},
        {"attention_stage": 2},
        {"attention_start_at_one": True},
    ]
    outputs = []
    with torch.no_grad():
        for option in options:
            network = small(2, **({"attention_start_at_one": False, "image_size": (128, 64)} | option)).eval()
            outputs.append(network(images(2, 128, 64)).embedding)
    for ours, theirs in itertools.combinations(outputs, 2):
        assert not torch.allclose(ours, theirs)


@pytest.mark.parametrize("batches", [[], [torch.zeros(1, 3, 64, 32)], "torn"])
def test_statistics_that_cannot_be_gathered_leave_the_network_as_it_was(batches):
    network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=1, image_size=(64, 32)).train()
    network(torch.randn(4, 3, 64, 32), "target")
    network.backbone.eval()  # frozen
    before = {name: value.clone() for name, value in network.state_dict().items()}

    def torn():
        yield torch.randn(4, 3, 64, 32)
        raise OSError("the disk is gone")

    with pytest.raises((ValueError, OSError), match=r"no batches of target images|the disk is gone"):
        network.gather_statistics(torn() if batches == "torn" else batches, "target")
    assert network.gathered("target")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert network.embedding.training
    assert not any(module.training for module in network.backbone.modules())
    for call in (network.gathered, lambda domain: network.gather_statistics([], domain)):
        with pytest.raises(ValueError, match="domain='tgt' is not allowed; choose one of source, target"):
            call("tgt")


@pytest.mark.parametrize("loops", [0, 1])
def test_it_is_exported_for_any_batch_and_image_size(loops):
    network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=loops, image_size=(64, 32)).eval()
    sizes = {0: torch.export.Dim("b", min=1), 2: torch.export.Dim("h", min=65), 3: torch.export.Dim("w", min=33)}
    exported = torch.export.export(network, (torch.randn(2, 3, 96, 64),), dynamic_shapes={"images": sizes}).module()
    images = torch.randn(3, 3, 128, 96)
    torch.testing.assert_close(exported(images).embedding, network(images).embedding)
