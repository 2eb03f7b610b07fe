"""What the ResNets of torchvision start with; those of timm and Hugging Face have the same start."""

from collections.abc import Mapping

from service.describe.model.families.family import Family, Rules

CONVOLUTION = {"axes": "OIHW", "scheme": "he_fan_out"}


def _rules(values: Mapping[str, float]) -> Rules:
    last = values["zero_init_residual"]
    zeroed: Rules = ({"match": f"*layer*.bn{last:g}.weight", "scheme": "zeros"},) if last else ()
    return (
        {"match": "*num_batches_tracked", "scheme": "zeros", "dtype": "int64"},
        {"match": "*running_mean", "scheme": "zeros"},
        {"match": "*running_var", "scheme": "ones"},
        *zeroed,
        {"match": "*bn*.weight", "scheme": "ones"},
        {"match": "*bn*.bias", "scheme": "zeros"},
        {"match": "*downsample.1.weight", "scheme": "ones"},
        {"match": "*downsample.1.bias", "scheme": "zeros"},
        {"match": "*conv*.weight", **CONVOLUTION},
        {"match": "*downsample.0.weight", **CONVOLUTION},
        # Hugging Face's names for the same.
        {"match": "*normalization.weight", "scheme": "ones"},
        {"match": "*normalization.bias", "scheme": "zeros"},
        *(
            {"match": f"*{name}.{kind}", **axes, "scheme": "framework_default"}
            for name in ("fc", "classifier.1")
            for kind, axes in (("weight", {"axes": "OI"}), ("bias", {}))
        ),
    )


RESNET = Family(
    name="resnet",
    follows="torchvision 0.28.0: torchvision/models/resnet.py; transformers 5.24.0: models/resnet/modeling_resnet.py",
    format="pt",
    fields=("zero_init_residual",),
    defaults={"zero_init_residual": 0},
    rules=_rules,
)
