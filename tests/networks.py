"""Any small network, for tests that state a law of all of them."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from service.dense.network import DenseNetwork, Limits, dense_network
from service.describe.network import Bias, Layout, Network
from service.describe.url import parameters, request_of
from service.initializers.schemes import FanName, SchemeName
from service.numerics.activations import Activation
from service.numerics.dtypes import DType
from service.numerics.recipe.distributions import CUT_STDS, CutStd, DistributionName

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
        "names": st.sampled_from(("$n", "encoder.$n.linear", "layers.1$n")),
        "seed": seeds,
    }
    fields = draw(st.fixed_dictionaries(required, optional=optional))
    return Network.of(fields | draw(st.fixed_dictionaries({}, optional=_of_scheme(fields))))


def _of_scheme(fields: dict[str, Any]) -> dict[str, st.SearchStrategy[Any]]:
    """Return the options that say something beside these fields, which lose what says nothing."""
    scheme = fields.get("scheme")
    used = {fields["activation"], fields.get("output_activation")}
    options: dict[str, st.SearchStrategy[Any]] = {}
    options |= {"slope": st.floats(0, 100)} if Activation.LEAKY_RELU in used else {}
    options |= {"alpha": st.floats(0, 100)} if Activation.ELU in used else {}
    if scheme is SchemeName.FIXED:
        fields["std"] = 0.5
        return options | {"std": st.floats(0, 8000)}
    options["gain"] = st.floats(0, 100)
    if scheme in {SchemeName.ORTHOGONAL, SchemeName.IDENTITY}:
        fields.pop("distribution", None)
    if fields.get("distribution") is DistributionName.TRUNCATED_NORMAL:
        options |= {"cut": st.sampled_from(sorted(CUT_STDS)), "cut_std": st.sampled_from(CutStd)}
    if scheme in {SchemeName.XAVIER, SchemeName.HE, SchemeName.LECUN, SchemeName.VARIANCE_PRESERVING}:
        options["fan"] = st.sampled_from(FanName)
    return options


@st.composite
def dense_networks(draw: st.DrawFn, dtypes: Sequence[DType] = tuple(DType), widest: int = 40) -> DenseNetwork:
    """Draw a network with a seed, and its layers."""
    return dense_network(draw(networks(dtypes, widest)), draw(seeds), LIMITS)


def network_from(query: str, seed: int = 42) -> DenseNetwork:
    """Return the network that a query string describes, and its layers."""
    network = request_of(Network, parameters(query))
    return dense_network(network, network.seed if isinstance(network.seed, int) else seed, LIMITS)
