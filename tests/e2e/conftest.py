"""One bot for the tests of a module, one server for each test; a problem that Discord noted fails the test."""

import os
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.e2e.stage import Stage, Town, stage_in


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings have no say in the tests."""
    for name in os.environ:
        if name.upper().startswith(("ROLLCALL_", "DISCORD_TOKEN", "INVOCATION_ID")):
            monkeypatch.delenv(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with stage_in(tmp_path_factory.mktemp("e2e") / "data") as stage:
        yield stage
        assert stage.books.faults() == []
        assert (await stage.database.verify_journal()).ok


@pytest_asyncio.fixture(loop_scope="module")
async def town(stage: Stage) -> AsyncGenerator[Town]:
    stage.log.clear()
    await stage.control.ask("DELETE", "/api/problems")
    yield stage.town()
    assert await stage.control.problems() == []
