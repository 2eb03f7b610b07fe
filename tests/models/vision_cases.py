"""Models of timm and torchvision, small ones."""

from collections.abc import Callable
from typing import Any

import timm
import torch
import torchvision

from tests.models.case import Case

PIXELS = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)


def vit(**settings: Any) -> Callable[[], Any]:
    small = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 3, "num_heads": 4, "num_classes": 10}
    return lambda: timm.models.VisionTransformer(**small | settings)


def resnet(block: str = "BasicBlock", **settings: Any) -> Callable[[], Any]:
    kind = getattr(torchvision.models.resnet, block)
    return lambda: torchvision.models.ResNet(kind, [1, 1, 1, 1], num_classes=10, **settings)


def classify(model: Any) -> Any:
    return model(PIXELS)


CASES = {
    "vit": Case(vit(), {"family": "vit"}, classify),
    "vit with registers and scaled layers": Case(
        vit(reg_tokens=4, init_values=1e-4, fix_init=True, qk_norm=True),
        {"family": "vit", "init_values": 1e-4, "fix_init": 1},
        classify,
    ),
    "vit with the start of JAX": Case(
        vit(weight_init="jax", fix_init=True), {"family": "vit", "weight_init_jax": 1, "fix_init": 1}, classify
    ),
    "resnet": Case(resnet(), {"family": "resnet"}, classify),
    "resnet, last norms zero": Case(
        resnet(zero_init_residual=True), {"family": "resnet", "zero_init_residual": 2}, classify
    ),
    "resnet, bottlenecks": Case(
        resnet("Bottleneck", zero_init_residual=True), {"family": "resnet", "zero_init_residual": 3}, classify
    ),
    "resnext": Case(resnet("Bottleneck", groups=4, width_per_group=16), {"family": "resnet"}, classify),
    "resnet of timm": Case(
        lambda: timm.create_model("resnet18", num_classes=10), {"family": "resnet", "zero_init_residual": 2}, classify
    ),
}
