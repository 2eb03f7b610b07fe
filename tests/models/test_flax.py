"""The family flax, against modules of Flax."""

from typing import Any

import httpx
import jax
import numpy as np
import pytest
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict

from tests.models.likeness import pooled, unlike
from tests.models.weights import description, weights


class Norms(nn.Module):
    """Norms and tables."""

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, tokens: Any) -> Any:
        hidden = nn.BatchNorm(use_running_average=True)(nn.Embed(50, 16)(tokens))
        return nn.PReLU()(nn.RMSNorm()(nn.LayerNorm()(nn.GroupNorm(4)(hidden))))


class Kernels(nn.Module):
    """Kernels of dense layers, convolutions, attention and cells."""

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, tokens: Any) -> Any:
        hidden = nn.Dense(16)(nn.Embed(50, 16)(tokens))
        hidden = nn.ConvTranspose(16, (3,))(nn.Conv(16, (3,), feature_group_count=4)(hidden))
        hidden = nn.MultiHeadDotProductAttention(4, qkv_features=32)(hidden, hidden)
        for cell in (nn.LSTMCell(16), nn.OptimizedLSTMCell(16), nn.GRUCell(16), nn.MGUCell(16), nn.SimpleCell(16)):
            hidden = nn.RNN(cell)(hidden)
        return nn.Conv(8, (3, 3))(hidden[..., None])


TOKENS = np.arange(14, dtype=np.int32).reshape(2, 7)


def values(module: nn.Module, inputs: Any, seed: int) -> dict[str, Any]:
    variables = module.init(jax.random.key(seed), inputs)
    return {name: np.asarray(array) for name, array in flatten_dict(variables, sep="/").items()}


@pytest.mark.parametrize("module", [Norms(), Kernels()], ids=["norms", "kernels"])
def test_each_variable_starts_as_the_library_starts_it(client: httpx.Client, module: nn.Module) -> None:
    described = description(values(module, TOKENS, 0), family="flax")

    theirs = pooled(lambda seed: values(module, TOKENS, seed))
    ours = pooled(lambda seed: weights(client, described, seed))

    assert unlike(theirs, ours) == []


@pytest.mark.parametrize("module", [Norms(), Kernels()], ids=["norms", "kernels"])
def test_a_forward_pass_is_finite(client: httpx.Client, module: nn.Module) -> None:
    drawn = weights(client, description(values(module, TOKENS, 0), family="flax"), seed=1)

    assert np.isfinite(module.apply(unflatten_dict(drawn, sep="/"), TOKENS)).all()
