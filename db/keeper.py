"""What looks after the journal beside writing it: notes of its head, verification, erasure, export, preservation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any, Final

from loguru import logger

from db import erasure, exporting, preservation
from db.appendlog import DamagedLog, DoubtfulAppend
from db.audit import AuditEvent, AuditTrail
from db.background import Background, in_thread
from db.engine import Connection
from db.erasure import Erased, Erasure
from db.errors import DatabaseError, Unavailable
from db.events import EventKind, Events
from db.exporting import Exported, ExportRefused
from db.heads import HeadNotes
from db.journal import Head, read_head
from db.layout import Layout
from db.operations import Context, Operation
from db.preservation import Preserved
from db.results import WriteResult
from db.settings import DatabaseSettings
from db.store import OpenStore
from db.verification import JournalReport, Note, read_anchor

_NOTED_EVERY_S: Final = 60.0
_CLOSING_NOTE_S: Final = 1.0
# Enough to answer whoever repeats a request of the last days, and to look into what went wrong.
KEEP_NEWEST: Final = 10_000

_CHAIN_OF: Final = "SELECT chain FROM journal WHERE seq = ?"
_FILES: Final = "SELECT file FROM journal_anchor ORDER BY seq"

CarryOut = Callable[[Operation[..., Any], Context, dict[str, Any]], Awaitable[WriteResult[Any]]]


class JournalKeeper:
    """The journal's keeper in one process. Erasing, exporting and preserving wait for each other.

    `carry_out` makes one write of the layer's own, `can_write` says whether the writer is well, `needed` which
    operation ids may yet be asked for.
    """

    def __init__(
        self,
        layout: Layout,
        settings: DatabaseSettings,
        events: Events,
        carry_out: CarryOut,
        can_write: Callable[[], bool],
        needed: Callable[[], Collection[str]],
    ) -> None:
        self._layout = layout
        self._events = events
        self._carry_out = carry_out
        self._needed = needed
        self.audit = AuditTrail(
            layout.events, settings, self._write_event, lambda: self._store is not None and can_write()
        )
        self._notes = HeadNotes(layout.heads)
        self._store: OpenStore | None = None
        self._told = ""
        self._turn = asyncio.Lock()
        self._noting = asyncio.Lock()
        self._next_note = time.monotonic() + _NOTED_EVERY_S
        self._background = Background()

    async def opened(self, store: OpenStore) -> None:
        """Compare the journal with what was noted of it, and take up what an earlier process could not finish."""
        self._store = store
        try:
            await self._look_at_head(store)
            to_remove = await store.look(exporting.rows_to_remove)
            unfinished = await in_thread(erasure.unfinished, self._layout.erasures)
        except (OSError, DamagedLog, DatabaseError) as exc:
            logger.error("the journal could not be compared with what was noted of it: {}", exc)
            return
        if to_remove or unfinished:
            self._background.spawn(self._take_up(store, unfinished))

    def tick(self) -> None:
        """Called now and then."""
        self.audit.nudge()
        if self._store is not None and time.monotonic() >= self._next_note:
            self._next_note = time.monotonic() + _NOTED_EVERY_S
            self._background.spawn(self._note_head(self._store))

    async def close(self) -> None:
        """Bring events to where they are durable, and note the head once more. Harmless when called twice."""
        try:
            await self.audit.close()
            await self._background.close()
            if self._store is not None:
                await asyncio.wait_for(self._note_head(self._store), _CLOSING_NOTE_S)
        except TimeoutError:
            logger.warning("the journal's head could not be noted in time")
        finally:
            self._store = None
            self._notes.close()

    async def verify(self) -> JournalReport:
        """Follow the journal's whole chain and compare it with every note of it. Raises DatabaseError."""
        store = self._require_store()
        notes: tuple[Note, ...] = ()
        try:
            notes = await in_thread(self._notes.of, store.generation)
        except OSError as exc:
            logger.error("what was noted of the journal cannot be read: {}", exc)
        return await store.verify_journal(notes)

    async def erase_payloads(self, *, actor: int, ordered_by: int = 0) -> Erased:
        """Erase what the journal keeps of what `actor` did until now: parameters and answers. The rows stay.

        Once ordered it is carried out, if need be by the next process. Raises DatabaseError where that is not done
        yet, OSError or DamagedLog where not even the order could be written down.
        """
        store = self._require_store()
        async with self._turn:
            head = await store.look(read_head)
            ordered = await in_thread(
                erasure.order, self._layout.erasures, actor=actor, up_to_seq=head.seq, ordered_by=ordered_by
            )
            return await self._erase(store, ordered)

    async def erase_again(self) -> list[Erased]:
        """Carry out every erasure there ever was: a restore brought the payloads back. Before anything new is written,
        for an erasure reaches up to a row. Raises as `erase_payloads`.
        """
        store = self._require_store()
        async with self._turn:
            ordered = await in_thread(erasure.all_ordered, self._layout.erasures)
            return [await self._erase(store, each) for each in ordered]

    async def export(
        self, *, before_ms: int, file: Path | None = None, keep_newest: int = KEEP_NEWEST
    ) -> Exported | None:
        """Move rows older than `before_ms` to a file; None if there are none. Raises ExportRefused, OSError and
        DatabaseError, and then nothing has left.

        The newest rows stay, and so does everything since a write that still waits to be carried out.
        """
        store = self._require_store()
        async with self._turn:
            file = file or self._layout.exports / f"journal-{time.time_ns()}.jsonl"
            exported = await store.look(
                lambda connection: exporting.write_files(
                    connection, file, before_ms=before_ms, keep_newest=max(1, keep_newest), needed=self._needed()
                )
            )
            if exported is None:
                return None
            context = Context(operation_id=f"export:{exported.seq}:{exported.sha256[:16]}", actor=0, guild=0)
            result = await self._carry_out(exporting.SET_ANCHOR, context, exporting.params_of(exported))
            if not result.ok:
                raise ExportRefused(f"rows up to {exported.seq} stay in the journal: {result.reason}")
            await self._remove(store)
            return exported

    async def preserve(self, *, reason: str) -> Preserved:
        """Save what can be read of a damaged journal to a file, and begin a new one. For an operator, when there is
        nothing to restore from. Raises OSError and DatabaseError, and then the journal is as it was.
        """
        store = self._require_store()
        async with self._turn:
            notes = await in_thread(self._notes.of, store.generation)
            noted = max((note.seq for note in notes), default=0)
            file = preservation.new_file(self._layout.exports)
            now_ms = time.time_ns() // 1_000_000

            def begin(connection: Connection) -> Preserved:
                saved = preservation.save_readable(connection, store.engine, file, noted=noted)
                preservation.begin_epoch(connection, store.engine, saved, reason=reason, now_ms=now_ms)
                return saved

            saved = await store.writer.between_batches(begin)
        logger.warning("a new journal was begun: {} ({})", saved, reason)
        return saved

    async def _write_event(self, event: AuditEvent) -> WriteResult[None]:
        return await self._carry_out(event.operation, event.context, event.params)

    async def _take_up(self, store: OpenStore, unfinished: list[Erasure]) -> None:
        async with self._turn:
            try:
                await self._remove(store)
                for each in unfinished:
                    await self._erase(store, each)
            except (DatabaseError, OSError, DamagedLog) as exc:
                logger.error("what was begun with old rows is left to the next start: {}", exc)

    async def _erase(self, store: OpenStore, ordered: Erasure) -> Erased:
        batches = await store.look(lambda connection: list(erasure.find_payloads(connection, ordered)))
        erased = 0
        for seqs in batches or [[]]:
            context = Context(operation_id=erasure.operation_id(ordered), actor=ordered.ordered_by, guild=0)
            params = {"erasure": ordered.erasure_id, "seqs": seqs}
            result = await self._carry_out(erasure.ERASE, context, params)
            if not result.ok:
                raise Unavailable(f"{ordered.erasure_id} will be taken up again: {result.reason}")
            erased += len(seqs)
        missing: list[str] = []
        for (file,) in await store.look(lambda connection: connection.execute(_FILES).fetchall()):
            try:
                erased += await in_thread(exporting.erase_from_file, Path(file), ordered.actor)
            except FileNotFoundError:
                missing.append(file)
        await in_thread(erasure.finish, self._layout.erasures, ordered)
        return Erased(erasure_id=ordered.erasure_id, payloads=erased, missing_files=tuple(missing))

    async def _remove(self, store: OpenStore) -> None:
        more = True
        while more:
            more = await store.writer.between_batches(exporting.remove_some)

    async def _note_head(self, store: OpenStore) -> None:
        if store.writer.version is None:
            return  # what came of the last commit may not be known
        try:
            async with self._noting:
                head = await self._look_at_head(store)
                if head is not None and head.seq:
                    await in_thread(self._notes.add, store.generation, head.seq, head.chain)
        except (OSError, DoubtfulAppend, DatabaseError) as exc:
            logger.warning("the journal's head could not be noted: {}", exc)

    async def _look_at_head(self, store: OpenStore) -> Head | None:
        """The newest row; None where the journal contradicts what was noted: that note is evidence, and stays the last
        until an operator begins a new epoch.
        """
        notes = await in_thread(self._notes.of, store.generation)
        head, problem = await store.look(lambda connection: (read_head(connection), _compare(connection, notes)))
        if problem and problem != self._told:
            logger.critical("the journal is not what it was: {}", problem)
            self._events.emit(EventKind.ERROR, problem, good=False)
        self._told = problem
        return None if problem else head

    def _require_store(self) -> OpenStore:
        if self._store is None:
            raise Unavailable("the database is not open")
        return self._store


def _compare(connection: Connection, notes: tuple[Note, ...]) -> str:
    """What is wrong with the newest row that was noted, in a sentence; empty if nothing is."""
    newest = notes[-1] if notes else None
    if newest is None or newest.seq <= read_anchor(connection)[0]:
        return ""
    rows = connection.execute(_CHAIN_OF, (newest.seq,)).fetchall()
    if not rows:
        return f"row {newest.seq} of the journal, noted on {newest.when}, is gone"
    if rows[0][0].hex() != newest.chain:
        return f"row {newest.seq} of the journal is not the one that was noted on {newest.when}"
    return ""
