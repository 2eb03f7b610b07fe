"""What must be so before a library is imported."""

import os
import sys

import harness.torchvision_operators  # noqa: F401  # so that torchvision can be imported
from harness.running import ROOT

# Programs of openapi/examples are run where they lie, and imported as if they lay here.
sys.path.append(str(ROOT / "openapi/examples/frameworks"))

os.environ["KERAS_BACKEND"] = "jax"
os.environ["HF_HUB_OFFLINE"] = "1"
