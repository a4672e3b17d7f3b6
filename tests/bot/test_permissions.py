"""Who may run what, command by command."""

import pytest

from bot import permissions
from bot.client import Rollcall
from bot.config import BotConfig, Config
from bot.permissions import FEATURES, MATRIX, AdminRoles, Level, mismatches
from sandbox.server import Sandbox
from sandbox.world import User
from tests.bot.conftest import PROBE
from tests.bot.talking import said
from tests.sandbox.people import People


@pytest.fixture
def operator(sandbox: Sandbox):
    return next(user for user in sandbox.world.users.values() if user.name == "benjamin")


@pytest.fixture
def config(operator: User):
    return Config(bot=BotConfig(cogs=("probe",), operators=(int(operator.id),)))


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("who", "command", "answer"),
    [
        ("abigail", "plain", "hello"),
        ("abigail", "secret", "Only this server's admins may run this."),
        ("abigail", "machine", "Only the bot's operators may run this."),
        ("admin_martha", "secret", "for admins"),
        ("admin_martha", "machine", "Only the bot's operators may run this."),
        ("benjamin", "secret", "for admins"),
        ("benjamin", "machine", "for operators"),
    ],
)
async def test_a_command_runs_for_its_level_and_above_and_the_others_are_told(
    people: People, who: str, command: str, answer: str
):
    message = await people.answer(as_=who, command=command)
    assert said(message) == answer
    assert message["ephemeral"]


async def test_the_admin_role_makes_an_admin_on_its_own_server_only(bot: Rollcall, people: People, sandbox: Sandbox):
    guild = next(iter(sandbox.world.guilds.values()))
    role = next(role for role in guild.roles.values() if role.name == "player")
    bot.admin_roles.set(int(guild.id), int(role.id))
    assert said(await people.answer(command="secret")) == "for admins"
    bot.admin_roles.set(int(guild.id), None)
    bot.admin_roles.set(int(guild.id) + 1, int(role.id))
    assert said(await people.answer(command="secret")) == "Only this server's admins may run this."


def test_the_last_known_admin_role_is_kept_until_it_is_taken_away():
    roles = AdminRoles()
    assert roles.get(1) is None
    roles.set(1, 10)
    assert roles.get(1) == 10
    roles.set(1, None)
    assert roles.get(1) is None


@pytest.mark.usefixtures("probe")
def test_a_command_without_a_row_and_a_row_without_a_command_are_both_named():
    assert mismatches(PROBE, ["probe"]) == []
    [extra] = mismatches([*PROBE, "stray"], ["probe"])
    assert extra == "/stray has no row in the permission matrix"
    [missing] = mismatches(PROBE.keys() - {"plain"}, ["probe"])
    assert "/plain" in missing


def test_no_two_features_have_the_same_command():
    assert len(MATRIX) == sum(len(rows) for rows in FEATURES.values())


def test_what_changes_money_from_nothing_or_shows_the_machine_is_not_for_players():
    assert {name for name, level in permissions.MATRIX.items() if level is not Level.PLAYER} == {
        "setup",
        "grant",
        "reverse",
        "dbhealth",
    }
