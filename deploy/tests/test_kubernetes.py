"""The Kubernetes manifest: valid for the oldest and the newest version it is meant for, and of one piece."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.tests.engine import ROOT, inspect

MANIFEST = (ROOT / "deploy/kubernetes.yaml").read_text(encoding="utf-8")
OBJECTS: dict[str, Any] = {found["kind"]: found for found in yaml.safe_load_all(MANIFEST)}
POD = OBJECTS["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
VERSIONS = ("1.30", "1.37")  # preStop.sleep came with 1.30
BROKEN = [
    ("maxSurge", "maxSurges", "'maxSurges' was unexpected"),
    ("minReplicas: 3", "minReplicas: three", "minReplicas"),
    ("maxReplicas: 12", "", "'maxReplicas' is a required property"),
    ("port: 80,", "port: http,", "port"),
    ("drop: [ALL]", "drop: ALL", "drop"),
    ("policy/v1", "policy/v0", "policy/v0"),
]


def complaints(manifest: Path, version: str) -> str:
    """Return all that the validator says against a manifest; empty if every object passed."""
    command = [str(Path(sys.executable).with_name("kubernetes-validate")), "--strict", "-k", version, str(manifest)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = f"{said.stdout}{said.stderr}".splitlines()
    # Its exit code is 0 even where it knows no such kind, so those that passed are counted.
    passed = [line for line in lines if " passed for resource " in line]
    return "" if len(passed) == len(OBJECTS) and said.returncode == 0 else "\n".join(lines)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifest_follows_the_schemas(version: str) -> None:
    assert set(OBJECTS) == {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
    assert complaints(ROOT / "deploy/kubernetes.yaml", version) == ""


@pytest.mark.parametrize(("right", "wrong", "complaint"), BROKEN, ids=[wrong or right for right, wrong, _ in BROKEN])
def test_a_broken_manifest_is_refused(tmp_path: Path, right: str, wrong: str, complaint: str) -> None:
    assert right in MANIFEST
    broken = tmp_path / "broken.yaml"
    broken.write_text(MANIFEST.replace(right, wrong), encoding="utf-8")
    assert complaint in complaints(broken, VERSIONS[-1])


def test_all_objects_mean_the_same_pods() -> None:
    labels = POD["metadata"]["labels"]
    assert OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert OBJECTS["Service"]["spec"]["selector"] == labels
    assert OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert POD["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] == labels
    target = OBJECTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", OBJECTS["Deployment"]["metadata"]["name"])


def test_the_pod_is_what_the_image_is() -> None:
    config = inspect("fanin")["Config"]
    allowed = POD["spec"]["securityContext"]
    assert f"{allowed['runAsUser']}:{allowed['runAsGroup']}" == config["User"]
    (port,) = CONTAINER["ports"]
    assert [f"{port['containerPort']}/tcp"] == list(config["ExposedPorts"])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert CONTAINER[probe]["httpGet"]["port"] == port["name"]
