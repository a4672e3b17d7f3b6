"""Where things lie below the data directory, and how a generation comes to be the current one.

data/lock           who uses this directory
data/manifest.log   which generations there have been: a deleted database is known to be missing
data/waiting.log    writes that wait for the database to return, and those that an operator has to look at
data/events.log     audit events that wait for the database to return
data/heads.log      how far the journal had come, noted outside of it
data/erasures.log   whose payloads were erased: a restore has to erase them again
data/exports/       old rows of the journal
data/current        a symlink to the generation in use
data/gen-1/         rollcall.db with its -wal and -shm
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from db.appendlog import append_log, read_log
from db.errors import BadDataDirectory
from db.files import sync_directory, sync_file

if TYPE_CHECKING:
    from collections.abc import Callable

DATABASE_NAME: Final = "rollcall.db"
_PREFIX: Final = "gen-"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one data directory."""

    directory: Path

    @property
    def lock(self) -> Path:
        return self.directory / "lock"

    @property
    def manifest(self) -> Path:
        return self.directory / "manifest.log"

    @property
    def waiting(self) -> Path:
        return self.directory / "waiting.log"

    @property
    def events(self) -> Path:
        return self.directory / "events.log"

    @property
    def heads(self) -> Path:
        return self.directory / "heads.log"

    @property
    def erasures(self) -> Path:
        return self.directory / "erasures.log"

    @property
    def exports(self) -> Path:
        return self.directory / "exports"

    @property
    def current(self) -> Path:
        return self.directory / "current"

    @property
    def database(self) -> Path:
        """The current generation's file, by its real name: the symlink may be moved while it is open."""
        target = self.current.readlink() if self.current.is_symlink() else Path("current")
        return self.directory / target / DATABASE_NAME

    @property
    def generation(self) -> int | None:
        """The number of the current generation; None where there is none."""
        name = self.current.readlink().name if self.current.is_symlink() else ""
        number = name.removeprefix(_PREFIX)
        return int(number) if number.isdecimal() and name.startswith(_PREFIX) else None

    def prepare(self) -> None:
        """Make the data directory (not its parent: that may be a mount that is missing)."""
        parent = self.directory.absolute().parent
        try:
            if not parent.is_dir():
                raise BadDataDirectory(f"{self.directory}: the directory above it ({parent}) does not exist")
            self.directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise BadDataDirectory(f"{self.directory}: cannot be the data directory: {exc.strerror}") from exc

    def is_new(self) -> bool:
        """Neither a database nor the memory of one."""
        return not self.current.is_symlink() and not self.current.exists() and not self.manifest.exists()

    def create_first(self, build: Callable[[Path], None]) -> None:
        """Make generation 1 whole under another name, then switch to it: a kill leaves all of it or nothing."""
        final = self.directory / f"{_PREFIX}1"
        if not final.exists():  # it is there when a kill came between the rename and the symlink
            draft = self.directory / f"{final.name}.new"
            shutil.rmtree(draft, ignore_errors=True)  # an interrupted attempt: nobody was ever answered from it
            draft.mkdir(mode=0o700)
            build(draft / DATABASE_NAME)
            sync_file(draft / DATABASE_NAME)
            sync_directory(draft)
            draft.rename(final)
        self._switch_to(final.name)

    def remember(self, generation: int) -> None:
        """Note the generation in the manifest, unless it is there."""
        if all(record.get("generation") != generation for record in read_log(self.manifest)):
            append_log(self.manifest, {"kind": "generation", "generation": generation})
            sync_directory(self.directory)

    def _switch_to(self, name: str) -> None:
        link = self.directory / "current.new"
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        link.rename(self.current)
        sync_directory(self.directory)
