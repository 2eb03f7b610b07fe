"""What Keras' LSTM starts with, whatever its cells are called; the layers around it as in the family keras."""

from service.describe.model.families.family import Family
from service.describe.model.families.keras import FORGET_GATE, LAYERS

LSTM_KERAS = Family(
    name="lstm_keras",
    follows="keras 3.15.1: keras/src/layers/rnn/lstm.py, and for the rest what keras follows",
    format=None,
    fields=(),
    rules=({"match": "*lstm*bias", **FORGET_GATE}, *LAYERS),
)
