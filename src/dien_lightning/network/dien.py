"""DIEN: blocks, embedding layer, T passes of attention, fusion. This is what gets deployed."""

from __future__ import annotations

import math
import os
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from dien_lightning.checks import check_bool, check_choice, check_int, check_size
from dien_lightning.network.adabn import gather_statistics
from dien_lightning.network.attention import RecurrentTopDownAttention
from dien_lightning.network.backbone import Backbone
from dien_lightning.network.calibration import Calibration
from dien_lightning.network.normalization import DOMAINS, Condition, Domain, keep_statistics_apart, normalizations
from dien_lightning.network.pooling import POOLINGS, build_pooling
from dien_lightning.network.recomputing import recomputed
from dien_lightning.types import AttentionMask, NetworkOutput

_SMALLEST_IMAGE = (64, 32)


class DIEN(nn.Module):
    """The domain-invariant embedding network (Pu et al., 2019, figure 1).

    Five blocks, global average and global max pooling side by side, then a fully connected layer, batch norm and
    PReLU give the embedding of pass 0. Each further pass predicts a mask from the embedding before it, re-weights the
    map of one early stage and runs the later blocks again. A 1x1 convolution without bias fuses the T+1 embeddings.

    Args:
        backbone: "resnet18", "resnet34", "resnet50", "resnet101" or "mobilenet_v2".
        weights: "imagenet", the path of a file of torchvision's or another re-identification library's, or None for
            random weights.
        embedding_dim: D.
        attention_loops: T >= 0; 0 is the network without attention.
        image_size: (height, width) the attention is laid out for; other sizes work, masks are resized.
        attention_stage: which stage's output is re-weighted, 1-4 (the paper leaves this open).
        attention_update: "refocus" masks the first map in every pass, "accumulate" the map masked already (open).
        attention_stride: the spatial mask has one value for attention_stride x attention_stride positions of the map
            and is resized between them (open); with 1, the deconvolutions can dim every other position.
        statistics: "domain_and_pass", or "joint": one set, for domains that go through in one batch (open).
        synchronize: batch norm over the batch of all processes.
        batch_norm_size: images that batch norm takes together in training, see `DomainBatchNorm`; None is the whole
            batch, as in the paper. Self-training's recipes have 16 or 64.
        last_stride: of the last block, 1 or 2; 1 gives a map of twice the height and width, as self-training has it.
        pooling: "average_and_max", "generalized_mean" with p learned from 3 on (Radenovic et al., 2018), or
            "local_max": a maximum for each row of the last map (Deng et al., 2018, "LMP").
        final_norm: batch norm without a bias on the fused embedding (Luo et al., 2019, "BNNeck").
        checkpoint_passes: keep no maps of a pass for its gradients, compute them anew: less memory, more time, the same
            numbers. Of this training alone: no file holds it.

    Batch norm normalises by the statistics of `domain`. A network that was trained on the source alone has none of the
    target's (`gathered("target")` is False): embed with domain="source", or call `gather_statistics` first. In
    evaluation, a domain without statistics is refused where the other one has some.

    Shape:
        images (B, 3, H, W), H >= 64, W >= 32 -> NetworkOutput(embedding (B, D), steps (B, T+1, D), masks).

    Raises:
        ValueError: an argument, an image size or a domain that is not allowed.

    Example:
        >>> network = DIEN("resnet18", weights=None, embedding_dim=64, attention_loops=2, image_size=(64, 32)).eval()
        >>> output = network(torch.randn(2, 3, 64, 32), domain="target")
        >>> output.embedding.shape, output.steps.shape, len(output.masks)
        (torch.Size([2, 64]), torch.Size([2, 3, 64]), 2)
    """

    def __init__(
        self,
        backbone: str = "resnet50",
        weights: str | os.PathLike[str] | None = "imagenet",
        embedding_dim: int = 2048,
        attention_loops: int = 3,
        *,
        image_size: tuple[int, int] = (256, 128),
        attention_stage: int = 1,
        attention_update: Literal["refocus", "accumulate"] = "refocus",
        attention_stride: int = 1,
        statistics: Literal["domain_and_pass", "joint"] = "domain_and_pass",
        synchronize: bool = True,
        batch_norm_size: int | None = None,
        last_stride: int = 2,
        pooling: Literal["average_and_max", "generalized_mean", "local_max"] = "average_and_max",
        final_norm: bool = False,
        checkpoint_passes: bool = False,
    ) -> None:
        super().__init__()
        check_int("attention_loops", attention_loops, 0, "0 switches the attention off, the paper's best is 3")
        check_int("embedding_dim", embedding_dim, 1, "the paper uses 2048")
        check_choice("attention_stage", attention_stage, (1, 2, 3, 4))
        check_int("attention_stride", attention_stride, 1, "1 is a value for each position of the map")
        check_choice("attention_update", attention_update, ("refocus", "accumulate"))
        check_choice("statistics", statistics, ("domain_and_pass", "joint"))
        if batch_norm_size is not None:
            remedy = "None (null) is the whole batch; one image has no variance"
            check_int("batch_norm_size", batch_norm_size, 2, remedy)
        check_choice("last_stride", last_stride, (1, 2))
        check_choice("pooling", pooling, POOLINGS)
        switches = {"synchronize": synchronize, "final_norm": final_norm, "checkpoint_passes": checkpoint_passes}
        for name, switch in switches.items():
            check_bool(name, switch)
        height, width = check_size("image_size", image_size, _SMALLEST_IMAGE)
        self.hyperparameters: dict[str, Any] = {
            "backbone": backbone,
            "embedding_dim": int(embedding_dim),  # numpy's numbers fit into no file
            "attention_loops": int(attention_loops),
            "image_size": [height, width],
            "attention_stage": int(attention_stage),
            "attention_update": attention_update,
            "attention_stride": int(attention_stride),
            "statistics": statistics,
            "synchronize": synchronize,
            "batch_norm_size": None if batch_norm_size is None else int(batch_norm_size),
            "last_stride": int(last_stride),
            "pooling": pooling,
            "final_norm": final_norm,
        }
        self.checkpoint_passes = checkpoint_passes
        self.backbone = Backbone(backbone, weights, last_stride)
        self.pooling = build_pooling(pooling, rows=math.ceil(height / (16 * last_stride)))
        pooled = self.pooling.times * self.backbone.channels[-1]
        self.embedding = nn.Sequential(nn.Linear(pooled, embedding_dim), nn.BatchNorm1d(embedding_dim), nn.PReLU())
        self.attention: RecurrentTopDownAttention | None = None
        self.fusion: nn.Conv1d | None = None
        if attention_loops:
            stride = 2 ** (attention_stage if attention_stage == 4 and last_stride == 1 else attention_stage + 1)
            stride *= attention_stride
            size = (math.ceil(height / stride), math.ceil(width / stride))
            self.attention = RecurrentTopDownAttention(embedding_dim, self.backbone.channels[attention_stage], size)
            self.fusion = nn.Conv1d(attention_loops + 1, 1, 1, bias=False)
            nn.init.constant_(self.fusion.weight, 1 / (attention_loops + 1))
        self.final_norm = nn.Sequential(nn.BatchNorm1d(embedding_dim)) if final_norm else None
        self.calibration: Calibration | None = None
        self.condition = Condition()
        self._only: Domain | None = None
        self.register_load_state_dict_post_hook(self._note_gathered)
        # Blocks up to the masked stage run once, later ones T+1 times; the attention itself runs in passes 1..T.
        for module, passes, first_step in (
            (self.backbone.blocks[: attention_stage + 1], 1, 0),
            (self.backbone.blocks[attention_stage + 1 :], attention_loops + 1, 0),
            (self.embedding, attention_loops + 1, 0),
            (self.attention, attention_loops, 1),
            (self.final_norm, 1, 0),
        ):
            slots = {"domains": 1} if statistics == "joint" else {"passes": passes, "first_step": first_step}
            if module is not None:
                keep_statistics_apart(module, self.condition, synchronize=synchronize, size=batch_norm_size, **slots)
        if self.final_norm is not None:
            self.final_norm[0].bias.requires_grad_(False)

    @property
    def attention_loops(self) -> int:
        """T."""
        return int(self.hyperparameters["attention_loops"])

    @property
    def embedding_dim(self) -> int:
        """D."""
        return int(self.hyperparameters["embedding_dim"])

    def forward(self, images: Tensor, domain: Domain = "target") -> NetworkOutput:
        check_choice("domain", domain, DOMAINS)
        if not self.training and self._only not in (None, domain):
            self.check_statistics(domain)
        height, width = images.shape[-2:]  # symbols where the network is exported
        if height < _SMALLEST_IMAGE[0] or width < _SMALLEST_IMAGE[1]:
            raise ValueError(f"image_size={height} x {width} must be two whole numbers of at least 64 x 32.")
        self.condition.domain, self.condition.step = domain, 0
        first = images
        for block in self.backbone.blocks[: self.hyperparameters["attention_stage"] + 1]:
            first = block(first)  # (B, C, h, w)
        run: Any = self._pass
        if self.checkpoint_passes and torch.is_grad_enabled():
            run = partial(recomputed, self._pass, self.condition)
        features, embedding, steps, masks = first, None, [], []
        refocuses = self.hyperparameters["attention_update"] == "refocus"
        for step in range(self.attention_loops + 1):
            self.condition.step = step
            features, embedding, mask = run(first if refocuses else features, embedding)
            steps.append(embedding)
            masks += [] if mask is None else [mask]
        stacked = torch.stack(steps, dim=1)  # (B, T+1, D)
        return NetworkOutput(self._fuse(stacked), stacked, tuple(masks))

    def _pass(self, features: Tensor, embedding: Tensor | None) -> tuple[Tensor, Tensor, AttentionMask | None]:
        """The map (B, C, h, w), masked by what the pass before saw unless it is the first; its embedding (B, D)."""
        mask = None
        if embedding is not None and self.attention is not None:
            with torch.autocast(embedding.device.type, enabled=False):  # near 1, bfloat16 knows steps of 0.4 % only
                mask = self.attention(embedding)
            features = self.attention.apply_mask(features, mask)
        deep = features
        for block in self.backbone.blocks[self.hyperparameters["attention_stage"] + 1 :]:
            deep = block(deep)
        pooled = self.pooling(deep)
        with torch.autocast(pooled.device.type, enabled=False):  # distances between embeddings need every digit
            return features, self.embedding(pooled.to(self.embedding[0].weight.dtype)), mask

    def _fuse(self, steps: Tensor) -> Tensor:  # (B, T+1, D) -> (B, D)
        with torch.autocast(steps.device.type, enabled=False):
            fused = steps[:, 0] if self.fusion is None else self.fusion(steps)[:, 0]
            return fused if self.final_norm is None else self.final_norm(fused)

    def fusion_weights(self) -> list[float]:
        """The learned weight of each pass 0..T; [1.0] without attention."""
        return [1.0] if self.fusion is None else self.fusion.weight.detach().flatten().tolist()

    def train(self, mode: bool = True) -> DIEN:
        super().train(mode)
        self._note_gathered()
        if mode:
            self.calibration = None  # it knows the distances of the network as it was
        return self

    def _note_gathered(self, *_: Any) -> None:
        """Keep the one domain that has statistics: to ask the layers in every forward would make a GPU wait."""
        has = [domain for domain in DOMAINS if self.gathered(domain)]
        self._only = has[0] if len(has) == 1 and self.hyperparameters["statistics"] != "joint" else None

    def gathered(self, domain: Domain) -> bool:
        """Whether batch norm has statistics of `domain`'s images; if not, evaluate it with the other domain's."""
        check_choice("domain", domain, DOMAINS)
        return all(layer.gathered(domain) for layer in normalizations(self))

    def statistics_for(self, name: str) -> Domain:
        """Whose statistics embed set `name`, "target" or "source": its own where there are any, else the other's."""
        self._note_gathered()
        if self._only is not None:
            return self._only
        return "target" if name == "target" and self.gathered("target") else "source"

    def check_statistics(self, domain: Domain) -> None:
        """Refuse to evaluate with a domain that has no statistics where the other one has some."""
        self._note_gathered()
        if not self.gathered(domain) and self._only is not None:
            raise ValueError(
                f"domain={domain!r}: no batch-norm statistics of {domain} images were gathered; embed with "
                f"domain={self._only!r}, or gather some (gather_statistics(batches, {domain!r}))."
            )

    def gather_statistics(self, batches: Any, domain: Domain = "target", missing: bool = False) -> None:
        """Replace `domain`'s batch-norm statistics by those of `batches`, see `adabn.gather_statistics`."""
        check_choice("domain", domain, DOMAINS)
        gather_statistics(self, batches, domain, missing)
        self.calibration = None
        self._note_gathered()
