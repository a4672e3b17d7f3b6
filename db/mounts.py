"""On which kind of file system a path lies. WAL needs shared memory, which network file systems do not have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mountinfo")
# https://sqlite.org/wal.html: all processes that use a WAL database must be on one host.
_NETWORK: Final = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|glusterfs|lustre|ocfs2|gfs2|fuse\.(sshfs|s3fs|rclone|.*gluster.*)"
)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


def network_file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The name of the network file system that holds `path`; None on a local one, or where nobody can tell."""
    try:
        kind = _kind_of(path.resolve(), mounts.read_text())
    except OSError:
        return None
    return kind if _NETWORK.fullmatch(kind) else None


def _kind_of(path: Path, mountinfo: str) -> str:
    """The type of the mount with the longest path that leads to `path`; of two on one path, the later is on top."""
    found, deepest = "", -1
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), mount.split()[4]))
        depth = len(point.parts)
        if depth >= deepest and path.is_relative_to(point):
            found, deepest = source.split()[0], depth
    return found
