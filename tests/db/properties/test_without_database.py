"""What needs no database answers as ever, whatever the database does: real discord.py on a loopback Discord."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import DatabaseManager
from db.connection import HopConnection
from tests.db.properties.flaky import connections_of, failing_connections, lose
from tests.e2e.control import eventually
from tests.e2e.stage import Stage, stage_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

THOROUGH = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# A command, its options, and what of its answer shows that it is the usual one.
COMMANDS = st.one_of(
    st.just(("ping", {}, "Pong")),
    st.just(("about", {}, "Rollcall")),
    st.just(("help", {}, "/wallet balance")),
    st.integers(2, 20).map(lambda sides: ("roll", {"dice": f"1d{sides}"}, f"1d{sides}")),
    st.integers(1, 7).map(lambda number: ("constitution article", {"number": number}, "Article")),
    st.integers(1, 27).map(lambda number: ("constitution amendment", {"number": number}, "Amendment")),
    st.sampled_from(["Treason", "Congress", "jury"]).map(lambda word: ("constitution search", {"text": word}, word)),
)
FAILURES = st.sampled_from(["switch", "writer lost", "readers lost", "all lost", "no file", "breakers"])


class Desk:
    """A bot and one server of its. (A plain class: Hypothesis prints the arguments of a failing example.)"""

    def __init__(self, stage: Stage) -> None:
        self.database = stage.database
        self.town = stage.town()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Desk]:
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("DISCORD_TOKEN", raising=False)
        soon = {"retry_base_s": 0.001, "retry_max_s": 0.01, "breaker_delay_s": 0.01, "breaker_max_delay_s": 0.02}
        async with stage_in(tmp_path_factory.mktemp("without") / "data", **soon) as stage:
            yield Desk(stage)


@asynccontextmanager
async def failing(db: DatabaseManager, failure: str) -> AsyncIterator[None]:
    """The database in that trouble, and out of it again."""
    connections, path = connections_of(db), db.status().path
    await eventually(lambda: connections._writer is not None)  # what was lost before may just be coming back
    lost: list[HopConnection] = []
    # What the trouble before held up is being written just now, and may be about to open another connection.
    await eventually(lambda: db.version is not None and not db.journal.audit.waiting)
    if failure in ("writer lost", "all lost"):
        lost.append(connections.writer)
    if failure in ("readers lost", "all lost"):
        lost.extend(connections.readers)
    async with AsyncExitStack() as healing:
        if failure == "switch":
            db.set_switch(degraded=True)
            healing.callback(db.set_switch, degraded=False)
        if failure == "no file":
            away = path.rename(path.with_name("away"))
            healing.callback(away.rename, path)
        if failure == "breakers":
            db._writing.trip("for the test")
            db._reading.trip("for the test")
        if lost:
            healing.enter_context(failing_connections(db, None))
        for connection in lost:
            await lose(connection)
        yield


@THOROUGH
@given(failure=FAILURES, commands=st.lists(COMMANDS, min_size=1, max_size=2), payer=st.sampled_from(["alice", "bob"]))
async def test_commands_without_database_work_answer_whatever_the_database_does(
    desk: Desk, failure: str, commands: list[tuple[str, dict[str, object], str]], payer: str
):
    """Feature: database-reliability, Property 14: Non-Database Command Continuity

    In the middle of any failure, noticed or not yet: a payment is refused in words, the command answers as usual.
    """
    player = desk.town.player(payer)
    async with failing(desk.database, failure):
        refused = await player.run("pay", user="carol", amount="1")
        for command, options, says in commands:
            answer = await player.run(command, **options)
            assert answer.state == "answered"
            assert says in answer.text
            assert "Error E-" not in answer.text
        if failure != "readers lost":  # a write may find all it needs
            assert refused.message.title != "Paid"
    await eventually(lambda: desk.database.mode == "read-write")
