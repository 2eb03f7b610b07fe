"""Training beside PyTorch's own: the same start, the same batches, 200 steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import torch

from service.dense.threads import one_thread
from service.describe.learning import SIZES, DataName, LearningRequest, OptimizerName
from service.describe.network import Normalization
from service.learning.network import log_shares
from service.learning.parameters import StartLayer
from service.learning.samples import Samples, Task, batches, task
from service.learning.train import Stepping, Training, training_of
from service.numerics.activations import PARAMETERS, Activation, FloatArray, Function, function_of
from tests.functions import WITH_PARAMETERS

STEPS, SEED = 200, 7
AGREEMENT = {np.float64: 1e-6, np.float32: 1e-4}
MODULES: dict[Activation, Callable[[], torch.nn.Module]] = {
    Activation.IDENTITY: torch.nn.Identity,
    Activation.SIGMOID: torch.nn.Sigmoid,
    Activation.TANH: torch.nn.Tanh,
    Activation.RELU: torch.nn.ReLU,
    Activation.LEAKY_RELU: lambda: torch.nn.LeakyReLU(0.01),
    Activation.ELU: torch.nn.ELU,
    Activation.SELU: torch.nn.SELU,
    Activation.GELU: torch.nn.GELU,
    Activation.SILU: torch.nn.SiLU,
    Activation.SOFTPLUS: torch.nn.Softplus,
    Activation.SOFTSIGN: torch.nn.Softsign,
    Activation.MISH: torch.nn.Mish,
    Activation.HARD_TANH: torch.nn.Hardtanh,
    Activation.RELU6: torch.nn.ReLU6,
}
WITH_PARAMETER: dict[Activation, Callable[[float], torch.nn.Module]] = {
    Activation.LEAKY_RELU: lambda slope: torch.nn.LeakyReLU(negative_slope=slope),
    Activation.ELU: lambda alpha: torch.nn.ELU(alpha=alpha),
}
# Whose values are rational functions in float32's precision here: erf.
APPROXIMATE = {Activation.GELU}
RATES = {OptimizerName.SGD: 0.05, OptimizerName.MOMENTUM: 0.01, OptimizerName.ADAM: 0.001}


@dataclass(frozen=True, slots=True)
class Pair:
    """The same training here and in PyTorch, before its first step."""

    ours: Training
    module: torch.nn.Module
    optimizer: torch.optim.Optimizer


@pytest.fixture(autouse=True)
def one_thread_each() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with one_thread():
        yield
    torch.set_num_threads(before)


def asked(**fields: object) -> LearningRequest:
    return LearningRequest.of(
        {"layers": (64, 30, 20, 10), "activation": "tanh", "seed": SEED, "steps": STEPS, "batch": 50} | fields
    )


def start(request: LearningRequest) -> list[StartLayer]:
    generator = np.random.default_rng(SEED)
    normalized = request.normalization is Normalization.BATCH
    layers = []
    for number, (fan_in, width) in enumerate(zip(request.layers[:-1], request.layers[1:], strict=True)):
        is_last = number == len(request.layers) - 2
        weight = generator.normal(0, 1.2 / np.sqrt(fan_in), (fan_in, width))
        bias = None if normalized and not is_last else generator.normal(0, 0.1, width)
        activation = function_of(Activation.IDENTITY if is_last else request.activation, request.slope, request.alpha)
        layers.append(StartLayer(f"layers.{number}", weight, bias, activation, normalized and not is_last))
    return layers


def torch_function(activation: Function) -> torch.nn.Module:
    if activation.parameter is None:
        return MODULES[activation.name]()
    return WITH_PARAMETER[activation.name](activation.parameter)


def torch_module(layers: list[StartLayer], dtype: type[np.floating]) -> torch.nn.Module:
    modules: list[torch.nn.Module] = []
    for layer in layers:
        fan_in, width = layer.weight.shape
        linear = torch.nn.Linear(fan_in, width, bias=layer.bias is not None, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.weight.T.copy()))
            if layer.bias is not None:
                linear.bias.copy_(torch.from_numpy(layer.bias))
        modules.append(linear)
        if layer.is_normalized:
            modules.append(torch.nn.BatchNorm1d(width, dtype=torch.float64))
        modules.append(torch_function(layer.activation))
    return torch.nn.Sequential(*modules).to(torch.float64 if dtype is np.float64 else torch.float32)


def torch_optimizer(request: LearningRequest, module: torch.nn.Module) -> torch.optim.Optimizer:
    options = {"lr": request.learning_rate, "weight_decay": request.weight_decay}
    match request.optimizer:
        case OptimizerName.SGD:
            return torch.optim.SGD(module.parameters(), **options)
        case OptimizerName.MOMENTUM:
            return torch.optim.SGD(module.parameters(), momentum=0.9, **options)
        case OptimizerName.ADAM:
            return torch.optim.Adam(module.parameters(), **options)


def pair(request: LearningRequest, dtype: type[np.floating]) -> Pair:
    layers = start(request)
    module = torch_module(layers, dtype)
    ours = training_of(request, layers, task(request.data, SEED), SEED, dtype)
    return Pair(ours, module, torch_optimizer(request, module))


def steps(request: LearningRequest, both: Pair) -> Iterator[tuple[float, float]]:
    """Train both on the same batches, and yield the loss of each before every step."""
    stepping, training = Stepping(request, both.ours.network), both.ours.task.training
    order = batches(len(training), request.batch, SEED)
    for _ in range(STEPS):
        batch = training.at(next(order))
        stepping.step(batch)
        outputs = both.ours.network.workspaces[-1].activation
        ours = -float(log_shares(outputs)[np.arange(len(batch)), batch.labels].mean())
        both.optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            both.module(torch.from_numpy(batch.inputs)), torch.from_numpy(batch.labels)
        )
        loss.backward()
        if request.clip is not None and isinstance(request.clip, float):
            torch.nn.utils.clip_grad_norm_(both.module.parameters(), request.clip)
        both.optimizer.step()
        yield ours, float(loss.detach())


def torch_parameters(module: torch.nn.Module) -> list[FloatArray]:
    """Return what the module has learned, in the order and the axes of ours."""
    found = []
    for part in module.children():
        if isinstance(part, torch.nn.Linear):
            found.append(part.weight.detach().numpy().T.ravel())
            if part.bias is not None:
                found.append(part.bias.detach().numpy())
        elif isinstance(part, torch.nn.BatchNorm1d):
            found += [part.weight.detach().numpy(), part.bias.detach().numpy()]
    return found


def check_agreement(request: LearningRequest, dtype: type[np.floating], tolerance: float | None = None) -> Pair:
    both = pair(request, dtype)
    tolerance = AGREEMENT[dtype] if tolerance is None else tolerance
    losses = np.array(list(steps(request, both)))
    assert losses[-1, 1] < 0.8 * losses[0, 1]  # it has learned something: agreement says something
    np.testing.assert_allclose(losses[:, 0], losses[:, 1], rtol=0, atol=tolerance)
    theirs = np.concatenate(torch_parameters(both.module))
    np.testing.assert_allclose(both.ours.network.parameters.flat, theirs, rtol=0, atol=tolerance)
    return both


@pytest.mark.parametrize("normalization", Normalization)
@pytest.mark.parametrize("optimizer", OptimizerName)
def test_parameters_and_losses_are_those_of_pytorch_after_200_steps(
    optimizer: OptimizerName, normalization: Normalization
) -> None:
    request = asked(optimizer=optimizer, normalization=normalization, learning_rate=RATES[optimizer])
    check_agreement(request, np.float64)


@pytest.mark.parametrize(
    ("optimizer", "normalization"),
    [case for case in product(OptimizerName, Normalization) if case != (OptimizerName.ADAM, Normalization.BATCH)],
)
def test_float32_agrees_as_far_as_its_digits_reach(optimizer: OptimizerName, normalization: Normalization) -> None:
    request = asked(optimizer=optimizer, normalization=normalization, learning_rate=RATES[optimizer])
    check_agreement(request, np.float32)


def test_adam_with_batch_normalization_is_as_near_to_float64_as_pytorch_is() -> None:
    # A pixel that is the same in the whole batch is centred away: its weights' gradients are 0 but for rounding, and
    # Adam makes whole steps of what is left. So PyTorch's own float32 and float64 part here.
    request = asked(optimizer="adam", normalization="batch", learning_rate=0.001)
    single, double = pair(request, np.float32), pair(request, np.float64)
    losses = np.array(list(steps(request, single)))
    exact = np.array(list(steps(request, double)))
    np.testing.assert_allclose(losses[:, 0], losses[:, 1], rtol=0, atol=2e-4)
    right = double.ours.network.parameters.flat
    ours = np.abs(single.ours.network.parameters.flat - right)
    theirs = np.abs(np.concatenate(torch_parameters(single.module)) - right)
    assert np.abs(exact[:, 0] - losses[:, 0]).max() < 2e-4
    assert np.count_nonzero(ours > 1e-4) <= 1.25 * np.count_nonzero(theirs > 1e-4)
    assert ours.max() <= 2 * theirs.max()


@pytest.mark.parametrize("activation", Activation)
def test_every_activation_learns_as_in_pytorch(activation: Activation) -> None:
    # A sigmoid's 200 steps of plain descent change little.
    request = asked(activation=activation, optimizer="adam", learning_rate=0.003)
    check_agreement(request, np.float64, 1e-4 if activation in APPROXIMATE else None)


@pytest.mark.parametrize("function", WITH_PARAMETERS, ids=str)
def test_every_slope_and_alpha_learns_as_in_pytorch(function: Function) -> None:
    parameter = {PARAMETERS[function.name]: function.parameter}
    request = asked(activation=function.name, optimizer="adam", learning_rate=0.001, **parameter)
    check_agreement(request, np.float64)


@pytest.mark.parametrize("optimizer", OptimizerName)
def test_weight_decay_and_clipping_are_those_of_pytorch(optimizer: OptimizerName) -> None:
    request = asked(optimizer=optimizer, learning_rate=RATES[optimizer], weight_decay=0.01, clip=0.5)
    check_agreement(request, np.float64)


@pytest.mark.parametrize("data", DataName)
@pytest.mark.parametrize("normalization", Normalization)
def test_what_is_said_of_a_trained_network_is_what_pytorch_says_of_its_own(
    data: DataName, normalization: Normalization
) -> None:
    sizes = SIZES[data]
    request = asked(
        layers=(sizes.inputs, 30, 20, sizes.classes), data=data, normalization=normalization, optimizer="adam",
        learning_rate=0.003,
    )  # fmt: skip
    both = check_agreement(request, np.float64)
    both.module.eval()
    whole: Task = both.ours.task
    for samples in (whole.training, whole.test):
        check_evaluation(both, samples)


def check_evaluation(both: Pair, samples: Samples) -> None:
    labels = torch.from_numpy(samples.labels)
    with torch.no_grad():
        outputs = both.module(torch.from_numpy(samples.inputs))
        loss = float(torch.nn.functional.cross_entropy(outputs, labels))
        accuracy = float((outputs.argmax(1) == labels).double().mean())
    found = both.ours.network.evaluate(samples)
    assert found.loss == pytest.approx(loss, abs=1e-6)
    assert found.accuracy == pytest.approx(accuracy, abs=1e-9)
