"""Environment variables: what is read, what is refused, and what Kubernetes puts among them."""

import subprocess
import sys

import pytest

from harness.running import ROOT
from service.web.settings import BadSettings, Settings, settings_from

# What a pod gets for Services named fanin and fanin-replicas: Kubernetes, "Discovering services".
SERVICE_LINKS = {
    "FANIN_SERVICE_HOST": "10.0.0.11",
    "FANIN_SERVICE_PORT": "80",
    "FANIN_SERVICE_PORT_HTTP": "80",
    "FANIN_PORT": "tcp://10.0.0.11:80",
    "FANIN_PORT_80_TCP": "tcp://10.0.0.11:80",
    "FANIN_PORT_80_TCP_PROTO": "tcp",
    "FANIN_PORT_80_TCP_PORT": "80",
    "FANIN_PORT_80_TCP_ADDR": "10.0.0.11",
    "FANIN_REPLICAS_SERVICE_HOST": "10.0.0.12",
    "FANIN_REPLICAS_SERVICE_PORT": "80",
    "FANIN_REPLICAS_PORT": "tcp://10.0.0.12:80",
    "FANIN_REPLICAS_PORT_80_TCP": "tcp://10.0.0.12:80",
}


def test_an_environment_without_settings_gives_the_defaults() -> None:
    assert settings_from({"PATH": "/bin", "fanin_port": "1"}) == Settings()


def test_numbers_and_lists_are_read() -> None:
    read = settings_from(
        {
            "FANIN_PORT": "9",
            "FANIN_STALL_SECONDS": "0.5",
            "FANIN_CORS_ORIGINS": '["https://a"]',
            "FANIN_PROXIES": '["10.0.0.0/8","::1"]',
        }
    )
    assert (read.port, read.stall_seconds, read.cors_origins) == (9, 0.5, ("https://a",))
    assert read.proxies == ("10.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    ("memory", "matrices", "answers", "buffers"),
    [
        (2**26, 2**26 // 6, 2**26 // 48, 0),
        (3 * 2**29, 2**28, 2**25, 16),  # three quarters of the container's 2 GiB
        (2**40, 2**28, 2**25, 16),
    ],
)
def test_what_is_kept_comes_out_of_the_memory_allowed(memory: int, matrices: int, answers: int, buffers: int) -> None:
    read = settings_from({"FANIN_MEMORY": str(memory)})
    assert (read.matrix_bytes, read.cache_bytes, read.buffers_kept) == (matrices, answers, buffers)
    # A buffer of each power of two from 256 KiB to 4 MiB.
    assert read.working_bytes == memory - matrices - answers - buffers * sum(2**power for power in range(18, 23))


def test_the_largest_diagnosis_fits_beside_what_is_kept_in_the_container() -> None:
    read = settings_from({"FANIN_MEMORY": str(3 * 2**29)})
    assert read.working_bytes > read.diagnosis_bytes


def test_service_links_of_kubernetes_are_no_settings() -> None:
    assert settings_from(SERVICE_LINKS) == Settings()
    assert settings_from(SERVICE_LINKS | {"FANIN_PORT": "9000"}).port == 9000


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("FANIN_HOST", "", "at least 1 character"),
        ("FANIN_PORT", "65536", "less than or equal to 65535"),
        ("FANIN_PORT", "http://a", "valid integer"),
        ("FANIN_DRAWINGS", "0", "greater than or equal to 1"),
        ("FANIN_MEMORY", "9", "greater than or equal to 67108864"),
        ("FANIN_MEMORY", "much", "valid integer"),
        ("FANIN_CACHE_BYTES", "1000000000000", "at most a quarter of FANIN_MEMORY"),
        ("FANIN_MATRIX_BYTES", "1000000000000", "at most a quarter of FANIN_MEMORY"),
        ("FANIN_STALL_SECONDS", "soon", "valid number"),
        ("FANIN_CORS_ORIGINS", "https://a", "JSON"),
        ("FANIN_CORS_ORIGINS", '"*"', "tuple"),
        ("FANIN_PROXIES", '["10.0.0.0/33"]', "10.0.0.0/33"),
        ("FANIN_LAYER", "5", "docs/deploy.md"),
        ("FANIN_port", "5", "docs/deploy.md"),
        ("FANIN_", "5", "docs/deploy.md"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(variable: str, text: str, told: str) -> None:
    with pytest.raises(BadSettings) as refused:
        settings_from({variable: text})
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{variable}")
    assert told in line


def test_the_service_ends_with_a_line_for_each_setting_that_cannot_be_used() -> None:
    environment = {"FANIN_WIDTH": "0", "FANIN_HOST": "", "FANIN_COLOUR": "red"}
    ended = subprocess.run(
        [sys.executable, "-m", "service"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sorted(line.partition("=")[0].partition(" ")[0] for line in ended.stderr.splitlines()) == sorted(environment)
