"""Import this, and torchvision can be imported, and timm and transformers beside it.

It defines two operators in a binary that needs the PyTorch it was built with, on most machines one for CUDA. Its models
use neither.
"""

import torch

OPERATORS = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
