"""How much memory there is: the least of the machine's and of every cgroup's above the process."""

import os
from pathlib import Path

import pytest

from service.web.http import memory

GIB = 2**30


def limit(folder: Path, name: str, value: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"{value}\n")


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory, "MOUNT", tmp_path / "mount")
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "listing")
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 4 * GIB // 4096}.__getitem__)
    return tmp_path / "mount"


def listed(mount: Path, text: str) -> int:
    (mount.parent / "listing").write_text(text)
    return memory.memory_allowed()


def test_without_a_limit_it_is_the_machines(mount: Path) -> None:
    assert memory.memory_allowed() == 4 * GIB  # no cgroups at all
    limit(mount / "a", "memory.max", "max")
    assert listed(mount, "0::/a\n") == 4 * GIB


def test_of_cgroup_2_the_least_limit_up_to_the_top_counts(mount: Path) -> None:
    limit(mount / "a", "memory.max", str(GIB))
    limit(mount / "a" / "b", "memory.max", str(2 * GIB))
    assert listed(mount, "0::/a/b\n") == GIB


def test_of_cgroup_1_the_folder_of_the_memory_controller_counts(mount: Path) -> None:
    limit(mount / "memory" / "a", "memory.limit_in_bytes", str(GIB))
    limit(mount / "memory", "memory.limit_in_bytes", "9223372036854771712")
    assert listed(mount, "5:cpu:/a\n4:memory:/a\n0::/\n") == GIB


def test_in_a_container_its_own_group_is_at_the_top(mount: Path) -> None:
    limit(mount, "memory.max", str(2 * GIB))
    assert listed(mount, "0::/as/the/host/names/it\n") == 2 * GIB
