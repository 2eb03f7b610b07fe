"""The family keras, against layers of Keras."""

from typing import Any

import httpx
import keras
import numpy as np
import pytest
from keras import layers

from tests.models.likeness import pooled, unlike
from tests.models.weights import Arrays, description, weights


def dense() -> Any:
    pixels = keras.Input((24,))
    return keras.Model(pixels, layers.Dense(32)(layers.LayerNormalization()(pixels)))


def convolutions() -> Any:
    pixels = keras.Input((12, 12, 3))
    hidden = layers.Conv2D(8, 3)(pixels)
    hidden = layers.BatchNormalization()(layers.DepthwiseConv2D(3, depth_multiplier=2)(hidden))
    hidden = layers.PReLU()(layers.SeparableConv2D(8, 3)(hidden))
    hidden = layers.Conv2DTranspose(8, 3, strides=2)(hidden)
    hidden = layers.Conv1D(8, 3)(layers.Reshape((-1, 8))(hidden))
    return keras.Model(pixels, layers.Dense(5)(layers.GlobalAveragePooling1D()(hidden)))


def attention() -> Any:
    tokens = keras.Input((7,), dtype="int32")
    embedded = layers.Embedding(50, 16)(tokens)
    attended = layers.MultiHeadAttention(4, 4)(embedded, embedded)
    grouped = layers.GroupQueryAttention(4, 4, 2)(attended, attended)
    return keras.Model(tokens, layers.RMSNormalization()(grouped))


def recurrent() -> Any:
    steps = keras.Input((7, 16))
    hidden = layers.GRU(8, return_sequences=True)(layers.LSTM(8, return_sequences=True)(steps))
    hidden = layers.Bidirectional(layers.SimpleRNN(8, return_sequences=True))(hidden)
    hidden = layers.ConvLSTM1D(4, 3)(layers.Reshape((7, 16, 1))(hidden))
    return keras.Model(steps, layers.Dense(5)(layers.Flatten()(hidden)))


def values(model: Any) -> dict[str, Any]:
    return {variable.path: keras.ops.convert_to_numpy(variable.value).copy() for variable in model.weights}


def seeded(make: Any, seed: int) -> Any:
    keras.backend.clear_session()  # so that names begin at 0 again
    keras.utils.set_random_seed(seed)
    return make()


@pytest.mark.parametrize("make", [dense, convolutions, attention, recurrent])
def test_each_variable_starts_as_the_library_starts_it(client: httpx.Client, make: Any) -> None:
    described = description(values(seeded(make, 0)), family="keras")

    theirs = pooled(lambda seed: values(seeded(make, seed)))
    ours = pooled(lambda seed: weights(client, described, seed))

    assert unlike(theirs, ours) == []


@pytest.mark.parametrize("make", [dense, convolutions, attention, recurrent])
def test_weights_can_be_assigned_and_a_forward_pass_is_finite(client: httpx.Client, make: Any) -> None:
    model = seeded(make, 0)
    drawn = weights(client, description(values(model), family="keras"), seed=1)

    assign(model, drawn)
    output = model(np.ones((2, *model.input_shape[1:]), model.inputs[0].dtype))

    assert all(np.array_equal(value, drawn[name]) for name, value in values(model).items())
    assert np.isfinite(keras.ops.convert_to_numpy(output)).all()


def assign(model: Any, drawn: Arrays) -> None:
    for variable in model.weights:
        variable.assign(drawn[variable.path])


def own_cell() -> Any:
    steps = keras.Input((7, 16))
    return keras.Model(steps, layers.Dense(5)(layers.LSTM(8, name="my_lstm_layer")(steps)))


def test_lstm_keras_knows_cells_with_names_of_their_own(client: httpx.Client) -> None:
    def renamed(seed: int) -> dict[str, Any]:
        return {name.replace("lstm_cell", "cell"): value for name, value in values(seeded(own_cell, seed)).items()}

    described = description(renamed(0), family="lstm_keras")
    theirs = pooled(renamed)
    ours = pooled(lambda seed: weights(client, described, seed))

    assert unlike(theirs, ours) == []
    assert ours["my_lstm_layer/cell/bias"][0].tolist() == [0] * 8 + [1] * 8 + [0] * 16


@pytest.mark.parametrize("family", ["keras", "lstm_keras"])
def test_recurrent_kernels_have_orthonormal_rows_over_all_gates_as_the_librarys(
    client: httpx.Client, family: str
) -> None:
    listed = values(seeded(recurrent, 0))
    drawn = weights(client, description(listed, family=family), seed=1)
    names = [name for name in listed if name.endswith("recurrent_kernel") and listed[name].ndim == 2]

    assert len(names) == 4
    for kernel in (values_of[name] for values_of in (listed, drawn) for name in names):
        assert np.abs(kernel @ kernel.T - np.eye(len(kernel))).max() < 1e-6
