"""The world that a sandbox begins with."""

from sandbox.world import ADMINISTRATOR, EVERYONE_PERMISSIONS, Channel, Guild, Role, User, World

APPLICATION_ID = "1190000000000000001"
ADMIN_ID = "1190000000000000101"
"""The administrator of the first guild; the launcher names it as the bot's operator too."""


def default_world() -> World:
    """Two guilds with the same people: an administrator, three players, another bot, and the bot under test."""
    bot = User(id=APPLICATION_ID, name="rollcall", display_name="Rollcall", bot=True)
    people = [
        User(id=ADMIN_ID, name="admin_martha", display_name="Martha"),
        User(id="1190000000000000102", name="abigail", display_name="Abigail"),
        User(id="1190000000000000103", name="benjamin", display_name="Benjamin"),
        User(id="1190000000000000104", name="clara", display_name="Clara"),
    ]
    other_bot = User(id="1190000000000000105", name="town_crier", display_name="Town Crier", bot=True)
    users = [bot, *people, other_bot]
    guilds = [
        _guild("1190000000000001000", "Model US", ("general", "treasury", "town-hall", "staff"), users),
        _guild("1190000000000002000", "Model Maryland", ("annapolis", "state-house"), users),
    ]
    return World(bot=bot, users={u.id: u for u in users}, guilds={g.id: g for g in guilds})


def _guild(guild_id: str, name: str, channels: tuple[str, ...], users: list[User]) -> Guild:
    base = int(guild_id)
    admins, players, bots = (str(base + 101 + offset) for offset in range(3))
    roles = (
        Role(id=guild_id, name="@everyone", permissions=EVERYONE_PERMISSIONS, position=0),
        Role(id=players, name="player", permissions=0, position=1),
        Role(id=bots, name="bots", permissions=ADMINISTRATOR, position=2),
        Role(id=admins, name="admins", permissions=ADMINISTRATOR, position=3),
    )
    members = {u.id: (bots,) if u.bot else (admins,) if u.id == ADMIN_ID else (players,) for u in users}
    return Guild(
        id=guild_id,
        name=name,
        owner_id=ADMIN_ID,
        channels={
            str(base + 1 + position): Channel(
                id=str(base + 1 + position), guild_id=guild_id, name=channel, position=position
            )
            for position, channel in enumerate(channels)
        },
        roles={role.id: role for role in roles},
        members=members,
    )
