"""What the gateway tells a bot about the world: READY, the guilds, their members."""

from collections.abc import Mapping
from typing import Any

from sandbox.intents import application_flags
from sandbox.world import Guild, World

API_VERSION = "10"
RESUME_URL = "wss://gateway.discord.gg"


def ready(world: World, *, session_id: str, shard: Any, intents: int) -> dict[str, Any]:
    """`intents` are those that the application may have."""
    return {
        "v": int(API_VERSION),
        "user": world.bot.payload(),
        "guilds": [{"id": guild_id, "unavailable": True} for guild_id in world.guilds],
        "session_id": session_id,
        "resume_gateway_url": RESUME_URL,
        "shard": shard,
        "application": {"id": world.bot.id, "flags": application_flags(intents)},
    }


def guild_create(world: World, guild: Guild) -> dict[str, Any]:
    # Without the presences intent Discord sends only the bot's own member.
    own = world.member_payload(guild, world.bot.id)
    arrival = {"unavailable": False, "large": False, "joined_at": own["joined_at"], "members": [own]}
    return guild.payload() | arrival


def members_chunk(world: World, guild: Guild, request: Mapping[str, Any]) -> dict[str, Any]:
    """The members with the requested ids, or whose names begin with the requested text."""
    wanted, prefix = request.get("user_ids"), str(request.get("query") or "")
    if wanted is not None:
        ids = {str(each) for each in (wanted if isinstance(wanted, list) else [wanted])}
        found = [user_id for user_id in guild.members if user_id in ids]
    else:
        found = [user_id for user_id in guild.members if world.users[user_id].name.startswith(prefix)]
    return {
        "guild_id": guild.id,
        "members": [world.member_payload(guild, user_id) for user_id in found],
        "chunk_index": 0,
        "chunk_count": 1,
        "not_found": [],
        "nonce": request.get("nonce"),
    }
