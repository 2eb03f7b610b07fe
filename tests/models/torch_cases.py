"""PyTorch's own modules."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tests.models.case import Case


class Net(nn.Module):
    """Modules under the names that people give them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3)
        self.bn1 = nn.BatchNorm2d(16)
        self.prelu = nn.PReLU()
        self.embedding = nn.Embedding(40, 8)
        self.layer_norm = nn.LayerNorm(16)
        self.bilinear = nn.Bilinear(16, 8, 12)
        self.fc = nn.Linear(12, 10)
        self.attn = nn.MultiheadAttention(16, 2, kdim=8, vdim=8, add_bias_kv=True, batch_first=True)

    def forward(self, pixels: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        pooled = self.layer_norm(self.prelu(self.bn1(self.conv1(pixels))).mean((2, 3)))
        embedded = self.embedding(tokens)
        attended, _ = self.attn(pooled[:, None], embedded, embedded)
        output: torch.Tensor = self.fc(self.bilinear(attended[:, 0], embedded[:, 0]))
        return output


def torch_case(make: Callable[[], Any], *inputs: torch.Tensor, **head: object) -> Case:
    def forward(module: Any) -> Any:
        output = module(*inputs)
        return output[0] if isinstance(output, tuple) else output

    return Case(make, head or {"family": "torch"}, forward)


ROW = torch.linspace(-1, 1, 2 * 24).reshape(2, 24)
STEPS = torch.linspace(-1, 1, 5 * 2 * 24).reshape(5, 2, 24)
PIXELS = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)
TOKENS = torch.tensor([[1, 2, 3], [4, 5, 6]])
CASES = {
    "Linear": torch_case(lambda: nn.Linear(24, 32), ROW),
    "Conv1d": torch_case(lambda: nn.Conv1d(2, 16, 3), STEPS),
    "Conv2d": torch_case(lambda: nn.Conv2d(3, 16, 3), PIXELS),
    "Conv2d, groups": torch_case(lambda: nn.Conv2d(3, 12, 3, groups=3), PIXELS),
    "Conv3d": torch_case(lambda: nn.Conv3d(3, 16, 3), PIXELS[:, :, None].expand(2, 3, 4, 8, 8)),
    "ConvTranspose2d": torch_case(lambda: nn.ConvTranspose2d(3, 16, 4, stride=2), PIXELS),
    "MultiheadAttention": torch_case(lambda: nn.MultiheadAttention(24, 4), STEPS, STEPS, STEPS),
    "TransformerEncoderLayer": torch_case(lambda: nn.TransformerEncoderLayer(24, 4, 48), STEPS),
    "Net": torch_case(Net, PIXELS, TOKENS),
    "LSTM": torch_case(lambda: nn.LSTM(24, 16, num_layers=2), STEPS, family="lstm_torch", hidden_size=16),
    "LSTM, both ways": torch_case(
        lambda: nn.LSTM(24, 16, bidirectional=True, proj_size=8), STEPS, family="lstm_torch", hidden_size=16
    ),
}
