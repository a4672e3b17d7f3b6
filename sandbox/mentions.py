"""Whom a text pings."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.direct import DirectChannel, Place
from sandbox.world import World

KINDS = ("users", "roles", "everyone")

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """Ids of users and roles, and whether everyone is pinged; what allowed_mentions holds back is not here."""

    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    everyone: bool = False


NOBODY = Mentions()


def mentions_in(
    content: str,
    allowed: Mapping[str, Any] | None,
    place: Place,
    world: World,
    *,
    replied_to: str | None = None,
) -> Mentions:
    """Without allowed_mentions Discord pings everybody a text names; in embeds nobody is ever pinged."""
    allowed = {"parse": KINDS, "replied_user": True} if allowed is None else allowed
    members, roles = _present(place, world)
    users = _chosen(_USER.findall(content), "users", allowed, members)
    if replied_to and allowed.get("replied_user") and replied_to not in users:
        users = (*users, replied_to)
    return Mentions(
        users=users,
        roles=_chosen(_ROLE.findall(content), "roles", allowed, roles),
        everyone="everyone" in (allowed.get("parse") or ()) and bool(_EVERYONE.search(content)),
    )


def _present(place: Place, world: World) -> tuple[Collection[str], Collection[str]]:
    """Ids of the users and roles that can be pinged there."""
    if isinstance(place, DirectChannel):
        return (place.recipient.id, world.bot.id), ()
    guild = world.guild_of(place)
    return guild.members, guild.roles


def _chosen(named: list[str], kind: str, allowed: Mapping[str, Any], existing: Collection[str]) -> tuple[str, ...]:
    listed = named if kind in (allowed.get("parse") or ()) else [str(each) for each in allowed.get(kind) or ()]
    return tuple(dict.fromkeys(each for each in named if each in listed and each in existing))
