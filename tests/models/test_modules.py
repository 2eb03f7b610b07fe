"""Families against the modules of PyTorch, transformers, timm and torchvision that they follow."""

import httpx
import numpy as np
import pytest
import torch
from torch import nn

from state_dict import load
from tests.models import torch_cases, transformers_cases, vision_cases
from tests.models.case import Case
from tests.models.likeness import pooled, shared, unlike
from tests.models.weights import arrays, description, weights

CASES = torch_cases.CASES | transformers_cases.CASES | vision_cases.CASES


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_tensor_starts_as_the_library_starts_it(client: httpx.Client, case: Case) -> None:
    described = description(arrays(case.seeded(0)), **case.head)

    theirs = pooled(lambda seed: arrays(case.seeded(seed)))
    ours = pooled(lambda seed: weights(client, described, seed))

    assert unlike(theirs, ours) == []


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_weights_load_strictly_and_a_forward_pass_is_finite(client: httpx.Client, case: Case) -> None:
    model = case.seeded(0)
    tied = shared(arrays(model))
    drawn = weights(client, description(arrays(model), **case.head), seed=1)

    load(model, str(client.base_url), seed=1, **case.head)
    with torch.no_grad():
        output = case.forward(model)

    assert shared(drawn) == tied
    assert all(np.array_equal(value, drawn[name]) for name, value in arrays(model).items())
    assert torch.isfinite(output).all()


@pytest.mark.parametrize("name", ["gpt2", "llama tied", "bert", "t5"])
def test_tied_tensors_may_be_left_out_of_the_file(client: httpx.Client, name: str) -> None:
    case = CASES[name]
    model = case.seeded(0)
    everything = arrays(model)
    # What save_pretrained leaves out.
    left_out = model.all_tied_weights_keys.keys()
    listed = {name: array for name, array in everything.items() if name not in left_out}

    drawn = weights(client, description(listed, **case.head), seed=1)
    missing, unexpected = model.load_state_dict({k: torch.from_numpy(v) for k, v in drawn.items()}, strict=False)

    assert (set(missing), unexpected) == (set(left_out), [])
    assert all(
        np.array_equal(drawn[name], array)
        for name, array in weights(client, description(everything, **case.head), seed=1).items()
        if name not in left_out
    )
    assert {name for names in shared(arrays(model)) for name in names} >= {
        n for n in left_out if everything[n].ndim > 1
    }


def test_a_wrapper_may_put_its_own_prefix_before_all_names(client: httpx.Client) -> None:
    model = torch.nn.DataParallel(CASES["gpt2"].seeded(0))
    plain = weights(client, description(arrays(model.module), family="gpt2"), seed=1)

    drawn = weights(client, description(arrays(model), family="gpt2"), seed=1)

    assert shared(drawn) == {frozenset({"module.transformer.wte.weight", "module.lm_head.weight"})}
    stds = {name.removeprefix("module."): array.std() for name, array in drawn.items()}
    assert stds == pytest.approx({name: array.std() for name, array in plain.items()}, rel=0.1)


def test_masks_and_tables_of_older_files_are_left_out(client: httpx.Client) -> None:
    listed = arrays(CASES["gpt2 without prefix"].seeded(0))
    old = listed | {"h.0.attn.bias": np.ones((1, 1, 32, 32), np.uint8), "h.0.attn.masked_bias": np.array(-1e4)}

    assert weights(client, description(old, family="gpt2"), seed=1).keys() == listed.keys()


def test_a_bias_whose_weight_is_a_norm_with_a_name_that_does_not_say_so_is_refused(client: httpx.Client) -> None:
    listed = arrays(nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8)))

    refused = client.post("/model/plan", json=description(listed, family="torch"))

    assert refused.status_code == 422
    assert "1.bias" in refused.json()["errors"][0]["message"]
