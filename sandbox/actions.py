"""What a person does: invoke a command, use a component, submit a form, type, talk."""

from typing import Any

from sandbox.attachments import Attachments
from sandbox.commands import Commands, Invocable
from sandbox.components import Component, usable
from sandbox.direct import DirectChannel
from sandbox.errors import Refusal
from sandbox.interaction import Interaction, Kind, State
from sandbox.interactions import Interactions
from sandbox.kinds import CommandType
from sandbox.mentions import mentions_in
from sandbox.messages import Body, Message, Messages
from sandbox.modals import filled_in
from sandbox.options import Options, Resolved, nested
from sandbox.selects import check_chosen_count, chosen
from sandbox.world import ALL_PERMISSIONS, MENTION_EVERYONE, Channel, Guild, User, World

LONGEST_MESSAGE = 2000


class Actions:
    def __init__(
        self,
        *,
        world: World,
        commands: Commands,
        messages: Messages,
        interactions: Interactions,
        attachments: Attachments,
    ) -> None:
        self._world = world
        self._commands = commands
        self._messages = messages
        self._interactions = interactions
        self._attachments = attachments

    async def interact(self, body: dict[str, Any]) -> Interaction:
        """Do what `body` of POST /api/interactions describes, and wait until the bot has acknowledged it."""
        user = self._person(body)
        if "command" in body:
            interaction = self._invoke(user, body)
        elif "custom_id" in body:
            interaction = self._use_component(user, body)
        elif "modal" in body:
            interaction = self._submit(user, body)
        else:
            raise Refusal(400, "give a command, a message's custom_id, or a modal")
        return await _acknowledged(interaction)

    async def complete(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The choices that the bot offers for what has been typed so far."""
        user, channel = self._person(body), self._channel(body)
        guild = self._world.guild_of(channel)
        invocable = self._commands.find(guild, _text(body, "command"))
        _check_permitted(invocable, guild, user)
        focused = _text(body, "focused")
        options, resolved = self._options(channel)
        filled = options.fill_partly(invocable, _mapping(body, "options"), focused)
        focused_type = next(each["type"] for each in filled if each.get("focused"))
        interaction = self._interactions.begin(
            Kind.AUTOCOMPLETE,
            user,
            channel,
            _command_data(invocable, nested(invocable, filled), resolved),
            command=invocable.name,
            focused_type=focused_type,
        )
        return (await _acknowledged(interaction)).choices

    def say(self, body: dict[str, Any]) -> Message:
        user, channel, content = self._person(body), self._channel(body), _text(body, "content").strip()
        if not content:
            raise Refusal(400, "an empty message cannot be sent")
        if len(content) > LONGEST_MESSAGE:
            raise Refusal(400, f"a message has at most {LONGEST_MESSAGE} characters")
        guild = self._world.guild_of(channel)
        allowed = {"parse": ["users"]}
        if guild.permissions(user.id) & MENTION_EVERYONE:
            allowed = {"parse": ["users", "roles", "everyone"]}
        mentions = mentions_in(content, allowed, channel, self._world)
        return self._messages.post(channel, user, Body(content=content, mentions=mentions))

    def _invoke(self, user: User, body: dict[str, Any]) -> Interaction:
        channel = self._channel(body)
        guild = self._world.guild_of(channel)
        name = _text(body, "command")
        if "target" in body:
            return self._use_on_target(user, channel, name, body["target"])
        invocable = self._commands.find(guild, name)
        _check_permitted(invocable, guild, user)
        options, resolved = self._options(channel)
        filled = options.fill(invocable, _mapping(body, "options"))
        data = _command_data(invocable, nested(invocable, filled), resolved)
        return self._interactions.begin(Kind.COMMAND, user, channel, data, command=invocable.name)

    def _use_on_target(self, user: User, channel: Channel, name: str, target: Any) -> Interaction:
        guild = self._world.guild_of(channel)
        invocable = self._commands.find(guild, name, on_target=True)
        _check_permitted(invocable, guild, user)
        resolved = Resolved(self._world, guild)
        if invocable.command["type"] == CommandType.USER:
            target_id = resolved.user(target)
        else:
            message = self._visible_message(user, target)
            target_id = message.id
            resolved.found["messages"] = {message.id: self._messages.payload(message)}
        data = _command_data(invocable, [], resolved) | {"target_id": target_id}
        return self._interactions.begin(Kind.COMMAND, user, channel, data, command=invocable.name)

    def _use_component(self, user: User, body: dict[str, Any]) -> Interaction:
        message = self._visible_message(user, body.get("message"))
        channel = message.channel
        if isinstance(channel, DirectChannel):
            raise Refusal(409, "the sandbox does not know components in direct messages yet")
        component = _component(message, _text(body, "custom_id"))
        data: dict[str, Any] = {
            "custom_id": component["custom_id"],
            "component_type": component["type"],
            "id": component.get("id", 0),
        }
        if component["type"] == Component.BUTTON:
            if body.get("values"):
                raise Refusal(400, "a button takes no values")
        else:
            data |= self._selected(component, channel, body.get("values"))
        return self._interactions.begin(Kind.COMPONENT, user, channel, data, source=message)

    def _selected(self, select: dict[str, Any], channel: Channel, values: Any) -> dict[str, Any]:
        name = select["custom_id"]
        if select["type"] == Component.STRING_SELECT:
            # No `resolved` here: an empty one makes discord.py drop the values.
            return {"values": chosen(select, name, values)}
        resolved = Resolved(self._world, self._world.guild_of(channel))
        find = {
            Component.USER_SELECT: resolved.user,
            Component.ROLE_SELECT: resolved.role,
            Component.CHANNEL_SELECT: resolved.channel,
            Component.MENTIONABLE_SELECT: resolved.mentionable,
        }[select["type"]]
        if not isinstance(values, list):
            raise Refusal(400, f"{name} takes a list of values")
        ids = [find(value) for value in values]
        check_chosen_count(select, name, ids)
        return {"values": ids} | ({"resolved": resolved.found} if resolved.found else {})

    def _submit(self, user: User, body: dict[str, Any]) -> Interaction:
        opened = self._interactions.opened_modal(user, _text(body, "modal"))
        modal = opened.modal or {}
        parts = filled_in(modal, _mapping(body, "fields"))
        source = self._messages.find(opened.source) if opened.source else None
        data = {"custom_id": modal["custom_id"], "components": parts}
        interaction = self._interactions.begin(Kind.MODAL, user, opened.channel, data, source=source)
        self._interactions.submitted(opened)
        return interaction

    def _visible_message(self, user: User, reference: Any) -> Message:
        message = self._messages.find(str(reference))
        if message is None or message.loading or not message.seen_by(user.id):
            raise Refusal(404, f"{user.name} sees no message {reference!r}")
        return message

    def _options(self, channel: Channel) -> tuple[Options, Resolved]:
        resolved = Resolved(self._world, self._world.guild_of(channel))
        return Options(channel=channel, attachments=self._attachments, resolved=resolved), resolved

    def _person(self, body: dict[str, Any]) -> User:
        user = self._world.find_user(_text(body, "as"))
        if user.bot:
            raise Refusal(403, f"{user.name} is a bot: it cannot do this")
        return user

    def _channel(self, body: dict[str, Any]) -> Channel:
        return self._world.find_channel(_text(body, "channel"))


async def _acknowledged(interaction: Interaction) -> Interaction:
    state = await interaction.settled
    if state is State.FAILED:
        raise Refusal(503, "the bot is not connected", interaction=interaction.id)
    if state is State.EXPIRED:
        raise Refusal(504, "the bot did not answer within 3 seconds", interaction=interaction.id)
    return interaction


def _check_permitted(invocable: Invocable, guild: Guild, user: User) -> None:
    if user.id not in guild.members:
        raise Refusal(403, f"{user.name} is not a member of {guild.name}")
    needed = invocable.command["default_member_permissions"]
    held = guild.permissions(user.id)
    # An empty set of permissions means administrators only.
    if needed is not None and (held & int(needed) != int(needed) or (int(needed) == 0 and held != ALL_PERMISSIONS)):
        raise Refusal(403, f"{user.name} may not use /{invocable.name}")


def _component(message: Message, custom_id: str) -> dict[str, Any]:
    for component in usable(message.body.components):
        if component.get("custom_id") == custom_id:
            if component.get("disabled"):
                raise Refusal(409, f"{custom_id!r} is disabled")
            return component
    known = [each["custom_id"] for each in usable(message.body.components) if "custom_id" in each]
    listed = f"it has: {', '.join(known)}" if known else "it has none"
    raise Refusal(404, f"the message has no component {custom_id!r}; {listed}")


def _command_data(invocable: Invocable, options: list[dict[str, Any]], resolved: Resolved) -> dict[str, Any]:
    command = invocable.command
    data: dict[str, Any] = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if options:
        data["options"] = options
    if resolved.found:
        data["resolved"] = resolved.found
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    return data


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"{key!r} is missing: it takes a text")
    return value


def _mapping(body: dict[str, Any], key: str) -> dict[str, Any]:
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(400, f"{key!r} takes an object")
    return value
