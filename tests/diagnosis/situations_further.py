"""What another reader says of twenty more networks: written after the code, without having read it.

The opinions come from theory and the literature alone, and stay as they were when the code was first run on them.
"""

from tests.diagnosis.situations import HEALTHY, MENDS_COLLAPSE, SCHEME_OR_STD, Situation, equal, gain, own

FURTHER = (
    Situation(
        "softsign of std 3", f"{equal(100, 5)}&activation=softsign&scheme=fixed&std=3", "",
        "Sums of std 25: for seven in ten the slope 1 / (1 + |x|)² is under a hundredth. The few others carry the rms.",
        found={"saturated": range(1, 5)}, absent=["vanishing_gradients", "dead"], advised=["smaller std", "auto"],
    ),
    Situation(
        "softsign with glorot, 20 layers of 200", f"{equal(200, 20)}&activation=softsign&scheme=glorot", HEALTHY,
        "Slope 1 at 0: signal and gradient fall like 1 / depth, not exponentially.",
    ),
    Situation(
        "elu with he, 50 layers", f"{equal(100, 50)}&activation=elu&scheme=he", "rank_collapse",
        "Lengths grow until elu is relu with an offset, and relu with gain 2 aligns all samples (Daneshmand 2020).",
        found={"rank_collapse": [49]}, absent=["vanishing_gradients"], advised=[*MENDS_COLLAPSE, "auto", "xavier"],
    ),
    Situation(
        "leaky_relu with he and linear outputs", f"{equal(256, 10)}&activation=leaky_relu&output_activation=identity"
        "&scheme=he", HEALTHY,
        "He 2015, equation 15: a leak of 0.01 changes the variance by 1e-4; ten layers leave several directions.",
    ),
    Situation(
        "an autoencoder", "layers=784,128,16,128,784&activation=tanh&output_activation=sigmoid&scheme=glorot", HEALTHY,
        "Glorot and Bengio 2010; that 16 directions remain is the architecture's wish.",
    ),
    Situation(
        "a bottleneck of one node", "layers=100,100,1,100,100&activation=tanh&scheme=lecun", "rank_collapse",
        "One number passes, so all after it rise and fall together; only a wider layer mends that, no weights do.",
        found={"rank_collapse": [2, 3]}, avoided=["batch normalization", "orthogonal", "std"],
    ),
    Situation(
        "relu before labels of 0 and 1",
        "layers=784,300,100,10&activation=relu&output_activation=sigmoid&scheme=he&distribution=uniform", HEALTHY,
        "He 2015 keeps the hidden layers; outputs of std 1.4 leave a sigmoid in its middle.",
    ),
    Situation(
        "a pyramid of relu with lecun", "layers=1000,500,250,125,60,30,10&activation=relu&scheme=lecun", HEALTHY,
        "Signal 0.7 and gradient 0.5 a layer: 1/8 and 1/32 in all, slow and not lost.",
    ),
    Situation(
        "two hourglasses with he_fan_out", "layers=20,1000,20,1000,20&activation=relu&scheme=he_fan_out", HEALTHY,
        "Gradients are kept, and the ratios of widths cancel over the network (He 2015, section 2.2).",
    ),
    Situation(
        "selu with lecun, all uniform, 15 layers of 200",
        f"{equal(200, 15)}&activation=selu&scheme=lecun&distribution=uniform&input=uniform", HEALTHY,
        "Klambauer 2017: mean 0 and variance 1 are a stable fixed point whatever the distribution.",
    ),
    Situation(
        "normalized softplus of std 2, 20 layers",
        f"{equal(100, 20)}&activation=softplus&scheme=fixed&std=2&normalization=batch", HEALTHY,
        "The std cancels; E[f'²] = 0.293 : Var f = 0.27 in each layer is 2 in all, as rms.",
    ),
    Situation(
        "normalized leaky_relu, 40 layers",
        f"{equal(150, 40)}&activation=leaky_relu&normalization=batch&input=uniform", "exploding_gradients",
        "0.500 : 0.344 in each layer is 1500 in all, as rms, whatever the std is (Yang 2019).",
        found={"exploding_gradients": [0]}, advised=["fewer layers", "skip"], avoided=SCHEME_OR_STD,
    ),
    Situation(
        "float16 of std 1e-9", "layers=100,100,100,10&activation=relu&scheme=fixed&std=1e-9&dtype=float16",
        "no_gradients",
        "float16 holds nothing between 0 and 6e-8: every weight is rounded to 0, and nothing can learn.",
        found={"no_gradients": [0, 1, 2]}, advised=["larger std", "above 0", "random", "float32", "auto"],
    ),
    Situation(
        "exclusive or", "layers=2,2,1&activation=sigmoid", HEALTHY,
        "Two weights a node are any two numbers, but sigmoid passes at most a quarter and seldom far less.",
    ),
    Situation(
        "relu of two nodes, 20 layers", f"{equal(2, 20)}&activation=relu&scheme=he", "no_gradients",
        "Born dead: both nodes are 0 with 1/4 in each layer, so 99 in 100 such networks are constant (Lu 2019).",
        found={"no_gradients": [0]}, advised=["leaky_relu", "bias", "fewer layers"], avoided=["larger std"],
    ),
    Situation(
        "elu of std 0.01", f"{equal(200, 6)}&activation=elu&scheme=fixed&std=0.01", "vanishing_gradients",
        "Linear near 0: 0.14 of signal and gradient in each layer.",
        found={"vanishing_gradients": [0], "vanishing_activations": [5]}, advised=["auto", "xavier", "larger std"],
        avoided=["smaller std"],
    ),
    Situation(
        "hard_tanh of std 0.3, 20 layers", f"{equal(100, 20)}&activation=hard_tanh&scheme=fixed&std=0.3",
        "exploding_gradients",
        "Chaos: 9 times the three in ten that are not cut is χ₁ = 2.7 (Poole 2016).",
        found={"exploding_gradients": [0]}, absent=["vanishing_gradients", "rank_collapse"],
        advised=["smaller std", "auto"],
    ),
    Situation(
        "softplus of std 1", f"{equal(100, 5)}&activation=softplus&scheme=fixed&std=1", "exploding_gradients",
        "Large sums make softplus a relu: seven times the signal and the gradient in each layer.",
        found={"exploding_gradients": [0], "exploding_activations": [4]}, absent=["saturated"],
        advised=["smaller std", "auto"],
    ),
    Situation(
        "mish with he, 8 layers of 64", f"{equal(64, 8)}&activation=mish&scheme=he", HEALTHY,
        "Near to silu: 0.9 of the signal in each layer.",
    ),
    Situation(
        "tanh of pixels of 0 to 255", "activation=tanh", "saturated",
        "Sums of std 147: the first layer is -1 or 1 almost everywhere. Inputs of std 1 or smaller weights mend it.",
        found={"saturated": [0]}, absent=["exploding_activations"], advised=["smaller", "scale", "inputs"],
        avoided=["larger std"],
        own=own((100, 100, 100, 10), gain(1), inputs=lambda generator, n: generator.uniform(0, 255, (500, n))),
    ),
)  # fmt: skip
