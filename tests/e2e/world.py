"""A Discord with many small servers, so that every test has one where nothing has happened yet."""

from typing import Final

from sandbox.world import ADMINISTRATOR, EVERYONE_PERMISSIONS, Channel, Guild, Role, User, World

SERVERS: Final = 100  # more than any module has tests
PAYERS: Final = tuple(f"payer{number:02}" for number in range(64))

ADMIN: Final = "martha"  # Discord's own administrator of every server
OPERATOR: Final = "olivia"  # named in the bot's configuration; to Discord a player like any other
TREASURER: Final = "theodore"  # has a role without any permission of Discord's
PLAYERS: Final = ("alice", "bob", "carol")
STRANGER: Final = "stephen"  # is on server 0 alone, which no test is given
OTHER_BOT: Final = "town_crier"
TREASURER_ROLE: Final = "treasurer"

_NAMES: Final = (ADMIN, OPERATOR, TREASURER, *PLAYERS, STRANGER, OTHER_BOT, *PAYERS)
_FIRST_USER: Final = 1_200_000_000_000_000_000
_FIRST_SERVER: Final = 1_300_000_000_000_000_000
_SPACING: Final = 1_000


def build_world() -> World:
    bot = User(id=str(_FIRST_USER), name="rollcall", display_name="Rollcall", bot=True)
    people = [
        User(id=str(user_id(name)), name=name, display_name=name.title(), bot=name == OTHER_BOT) for name in _NAMES
    ]
    users = {user.id: user for user in (bot, *people)}
    servers = [_server(number, users) for number in range(SERVERS)]
    return World(bot=bot, users=users, guilds={server.id: server for server in servers})


def user_id(name: str) -> int:
    return _FIRST_USER + 1 + _NAMES.index(name)


def channel_name(server: int) -> str:
    return f"square{server}"


def _server(number: int, users: dict[str, User]) -> Guild:
    base = _FIRST_SERVER + number * _SPACING
    guild_id, channel_id = str(base), str(base + 1)
    granted = {"@everyone": EVERYONE_PERMISSIONS, TREASURER_ROLE: 0, "admins": ADMINISTRATOR}
    ids = dict(zip(granted, (guild_id, str(base + 11), str(base + 12)), strict=True))
    roles = [
        Role(id=ids[name], name=name, permissions=permissions, position=position)
        for position, (name, permissions) in enumerate(granted.items())
    ]
    special = {ADMIN: (ids["admins"],), TREASURER: (ids[TREASURER_ROLE],)}
    return Guild(
        id=guild_id,
        name=f"Server {number}",
        owner_id=str(user_id(ADMIN)),
        channels={channel_id: Channel(id=channel_id, guild_id=guild_id, name=channel_name(number), position=0)},
        roles={role.id: role for role in roles},
        members={
            user.id: special.get(user.name, ()) for user in users.values() if user.name != STRANGER or number == 0
        },
    )
