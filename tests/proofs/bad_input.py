"""Overrides that no training can begin with, drawn by hypothesis: it likes zeros, infinities and odd letters."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_BELOW_1 = st.integers(max_value=0)
_BELOW_0 = st.integers(max_value=-1)
_BELOW_0_OR_NAN = st.floats(max_value=0, exclude_max=True) | st.just(float("nan"))
_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=2, max_size=8).map("z{}z".format)
_GROUP = st.sampled_from(["data", "network", "objective", "optim", "trainer"])


def _value(key: str, *values: st.SearchStrategy) -> st.SearchStrategy[str]:
    return st.builds("{}={}".format, st.just(key), st.one_of(*values))


OVERRIDES: st.SearchStrategy[str] = st.one_of(
    _value("network.attention_loops", _BELOW_0, _WORD, st.floats(0.1, 0.9)),
    _value("network.embedding_dim", _BELOW_1),
    _value("network.backbone", _WORD),
    _value("network.weights", _WORD.map("/dev/null/{}.pth".format)),
    _value("data.num_ids", _BELOW_1, st.integers(min_value=7)),
    _value("data.num_instances", _BELOW_1),
    _value("data.steps_per_epoch", _BELOW_1),
    _value("data.target_batch_size", _BELOW_0),
    _value("data.image_size", st.tuples(st.integers(max_value=63), st.integers(max_value=31)).map(list)),
    _value("data.eval_batch_size", _BELOW_1),
    _value("data.gather_batch_size", _BELOW_1),
    _value("data.num_workers", _BELOW_0),
    _value("data.source", _WORD, st.sampled_from(["market1501", "folder", "csv"])),
    _value("data.source_root", _WORD.map("/dev/null/{}".format)),
    _value("data.target", _WORD),
    _value("data.target_root", _WORD.map("/dev/null/{}".format)),
    _value("data.cameras", _WORD),
    _value("objective.margin", _BELOW_0_OR_NAN, st.just(0)),
    _value("objective.center_weight", _BELOW_0_OR_NAN),
    _value("objective.triplet_weight", _BELOW_0_OR_NAN),
    _value("objective.domain_weight", _BELOW_0_OR_NAN),
    _value("objective.triplet", _WORD),
    _value("objective.identity_dropout", _BELOW_0_OR_NAN, st.floats(min_value=1)),
    _value("optim.learning_rates.backbone", _BELOW_0_OR_NAN),
    _value("optim.schedule", _WORD),
    _value("trainer.max_epochs", _BELOW_1, _WORD, st.just("null"), st.floats(0.1, 0.9)),
    _value("trainer.precision", _WORD),
    _value("callbacks.checkpoint.every_n_train_steps", _BELOW_1),
    _value("callbacks.choice.images", _BELOW_0),
    _value("seed", _BELOW_0),
    st.builds("{}.{}={}".format, _GROUP, _WORD, _WORD),  # no such key
    st.builds("{}={}".format, _GROUP, _WORD),  # no such group
)


def draw(count: int, seed_number: int) -> list[str]:
    """Draw overrides, the same for the same seed and the same version of hypothesis.

    Args:
        count: how many.
        seed_number: of the draw.
    """
    drawn: list[str] = []

    @seed(seed_number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(OVERRIDES)
    def keep(override: str) -> None:
        drawn.append(override)

    keep()
    return drawn
