"""Any small network, for tests that state a law of all of them."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from service.numerics.activations import Activation
from service.numerics.distributions import DistributionName
from service.numerics.dtypes import DType
from service.numerics.schemes import SchemeName
from service.plan import Limits, Plan, plan_of
from service.query import parameters, request_of
from service.spec import Bias, Layout, Network

LIMITS = Limits(layers=64, width=2**31 - 1)
WITH_NPY = (DType.FLOAT32, DType.FLOAT64, DType.FLOAT16)

seeds = st.integers(0, 2**53 - 1)


@st.composite
def networks(draw: st.DrawFn, dtypes: Sequence[DType] = tuple(DType), widest: int = 40) -> Network:
    """Draw a network of one to three layers; every option takes every value, and may be left out."""
    required: dict[str, st.SearchStrategy[Any]] = {
        "layers": st.lists(st.integers(1, widest), min_size=2, max_size=4).map(tuple),
        "activation": st.sampled_from(Activation),
        "dtype": st.sampled_from(dtypes),
    }
    optional: dict[str, st.SearchStrategy[Any]] = {
        "output_activation": st.sampled_from(Activation),
        "scheme": st.sampled_from(SchemeName),
        "distribution": st.sampled_from(DistributionName),
        "layout": st.sampled_from(Layout),
        "bias": st.sampled_from(Bias),
        "seed": seeds,
    }
    fields = draw(st.fixed_dictionaries(required, optional=optional))
    if fields.get("scheme") is SchemeName.FIXED:
        fields["std"] = draw(st.floats(0, 8000))
    return Network.of(fields)


@st.composite
def plans(draw: st.DrawFn, dtypes: Sequence[DType] = tuple(DType), widest: int = 40) -> Plan:
    """Draw a network's plan."""
    return plan_of(draw(networks(dtypes, widest)), draw(seeds), LIMITS)


def plan_from(query: str, seed: int = 42) -> Plan:
    """Return the plan of the network that a query string describes."""
    network = request_of(Network, parameters(query))
    return plan_of(network, network.seed if isinstance(network.seed, int) else seed, LIMITS)
