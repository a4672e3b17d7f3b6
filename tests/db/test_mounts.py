"""Which file system a path is on, read from a mount table that the test wrote."""

from dataclasses import replace
from pathlib import Path

import pytest

from db import BadDataDirectory, DatabaseSettings, open_database, opening
from db.mounts import network_file_system


def table(tmp_path: Path, *mounts: tuple[str, str]) -> Path:
    """A mountinfo as the kernel writes it (proc(5)): where, and the type after the dash."""
    lines = [f"{n} 1 0:{n} / {where} rw,relatime shared:1 - {kind} source rw" for n, (where, kind) in enumerate(mounts)]
    path = tmp_path / "mountinfo"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("ext4", None),
        ("overlay", None),
        ("tmpfs", None),
        ("fuse.mergerfs", None),
        ("nfs", "nfs"),
        ("nfs4", "nfs4"),
        ("cifs", "cifs"),
        ("9p", "9p"),
        ("fuse.sshfs", "fuse.sshfs"),
        ("fuse.glusterfs", "fuse.glusterfs"),
    ],
)
def test_network_file_systems_are_told_from_local_ones(tmp_path: Path, kind: str, found: str | None):
    mounts = table(tmp_path, ("/", "ext4"), (str(tmp_path), kind))
    assert network_file_system(tmp_path / "data", mounts) == found


def test_the_deepest_mount_that_leads_to_the_path_counts_and_of_two_on_one_place_the_later(tmp_path: Path):
    deep = tmp_path / "srv" / "data"
    assert network_file_system(deep, table(tmp_path, ("/", "nfs"), (str(tmp_path / "srv"), "ext4"))) is None
    assert network_file_system(deep, table(tmp_path, (str(tmp_path / "srv"), "nfs"), ("/", "ext4"))) == "nfs"
    assert network_file_system(deep, table(tmp_path, ("/", "ext4"), (str(tmp_path / "sr"), "nfs"))) is None
    assert network_file_system(deep, table(tmp_path, ("/", "ext4"), ("/", "nfs"))) == "nfs"


def test_a_mount_with_a_space_in_its_name_is_found(tmp_path: Path):
    place = tmp_path / "my share"
    mounts = table(tmp_path, ("/", "ext4"), (str(place).replace(" ", "\\040"), "cifs"))
    assert network_file_system(place / "data", mounts) == "cifs"


def test_a_link_is_followed_to_where_it_leads(tmp_path: Path):
    (tmp_path / "share").mkdir()
    (tmp_path / "link").symlink_to("share")
    mounts = table(tmp_path, ("/", "ext4"), (str(tmp_path / "share"), "nfs"))
    assert network_file_system(tmp_path / "link" / "data", mounts) == "nfs"


def test_where_nobody_can_tell_nothing_is_refused(tmp_path: Path):
    assert network_file_system(tmp_path, tmp_path / "no such table") is None
    assert network_file_system(tmp_path) is None, "this machine's own"


async def test_a_data_directory_on_a_network_file_system_is_refused_unless_forced(
    settings: DatabaseSettings, migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mounts = table(tmp_path, ("/", "nfs4"))
    monkeypatch.setattr(opening, "network_file_system", lambda path: network_file_system(path, mounts))
    with pytest.raises(BadDataDirectory, match="network file system") as caught:
        async with open_database(settings, migrations):
            pass
    assert "nfs4" in str(caught.value)
    async with open_database(replace(settings, allow_network_file_system=True), migrations) as db:
        assert db.mode == "read-write"
