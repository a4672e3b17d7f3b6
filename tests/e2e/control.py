"""What people do on the loopback Discord and what they see there, through its HTTP control API."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

Json = dict[str, Any]

PATIENCE_S = 10.0
_LONGEST_PAUSE_S = 0.03
_OVER = {"answered", "failed", "expired"}


class Refused(Exception):
    """Discord itself would not let this person do that: the bot never heard of it."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{status} {body['error']}")
        self.status = status
        self.text: str = body["error"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as one person sees it."""

    raw: Json = field(repr=False)
    text: str

    @classmethod
    def of(cls, raw: Json) -> Self:
        parts = [raw["content"]]
        for embed in raw["embeds"]:
            parts += [embed.get("title"), embed.get("description")]
            parts += [text for each in embed.get("fields", ()) for text in (each["name"], each["value"])]
            parts.append(embed.get("footer", {}).get("text"))
        return cls(raw, "\n".join(part for part in parts if part))

    @property
    def id(self) -> str:
        return self.raw["id"]

    @property
    def title(self) -> str:
        return self.raw["embeds"][0].get("title", "")

    @property
    def ephemeral(self) -> bool:
        return self.raw["ephemeral"]

    @property
    def pings(self) -> bool:
        mentions = self.raw["mentions"]
        return bool(mentions["users"] or mentions["roles"] or mentions["everyone"])

    @property
    def buttons(self) -> dict[str, Json]:
        """By label or emoji."""
        every = [button for row in self.raw["components"] for button in row["components"]]
        return {button.get("label") or button["emoji"]["name"]: button for button in every}

    def field(self, name: str) -> str:
        """The value of an embed's field."""
        return next(each["value"] for each in self.raw["embeds"][0]["fields"] if each["name"] == name)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an interaction ended, and the messages that the bot sent or edited for it."""

    interaction: str
    state: str
    messages: list[Message]
    acknowledged_ms: float
    answered_ms: float

    @property
    def message(self) -> Message:
        """The first message: what the person who acted was told."""
        return self.messages[0]

    @property
    def text(self) -> str:
        return self.message.text


class Control:
    """One HTTP client of the sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(self.url, connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def ask(self, method: str, path: str, body: Json | None = None, **query: str) -> Json:
        """The answer's JSON; raises Refused for a status from 400."""
        async with self._http.request(method, path, json=body, params=query) as response:
            answer: Json = await response.json() if response.status != 204 else {}
            if response.status >= 400:
                raise Refused(response.status, answer)
            return answer

    async def page(self, path: str) -> str:
        async with self._http.get(path) as response:
            return await response.text()

    async def fault(self, kind: str, **details: Any) -> None:
        await self.ask("POST", "/api/faults", {"kind": kind, **details})

    async def problems(self) -> list[Json]:
        """What a well-behaved bot would never have done."""
        return (await self.ask("GET", "/api/problems"))["problems"]

    async def commands(self) -> list[str]:
        """The qualified names of all that Discord was told of."""
        return [name for command in (await self.ask("GET", "/api/state"))["commands"] for name in _leaves(command)]

    async def until_ready(self, *, ready: bool = True) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (await self.ask("GET", "/api/state"))["bot"]["ready"] is not ready:
                await asyncio.sleep(0.005)

    async def outcome(self, interaction: str) -> Answer:
        """The interaction, once it is over."""
        pause = 0.001
        async with asyncio.timeout(PATIENCE_S):
            while (found := await self.ask("GET", f"/api/interactions/{interaction}"))["state"] not in _OVER:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
        messages = [Message.of(raw) for raw in found["messages"]]
        return Answer(interaction, found["state"], messages, found["acknowledged_ms"], found["answered_ms"])


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody in a channel."""

    name: str
    channel: str
    control: Control

    async def begin(self, command: str, /, **options: Any) -> str:
        """The interaction's id, once the bot has acknowledged it."""
        return await self._interact(channel=self.channel, command=command, options=options)

    async def run(self, command: str, /, **options: Any) -> Answer:
        return await self.control.outcome(await self.begin(command, **options))

    async def press(self, message: Message, label: str) -> str:
        """The click's interaction's id, once the bot has acknowledged it."""
        return await self._interact(message=message.id, custom_id=message.buttons[label]["custom_id"])

    async def click(self, message: Message, label: str) -> Answer:
        return await self.control.outcome(await self.press(message, label))

    async def complete(self, command: str, focused: str, /, **options: Any) -> list[tuple[str, Any]]:
        """The name and the value of each choice that is offered for what was typed so far."""
        body = {"as": self.name, "channel": self.channel, "command": command, "focused": focused, "options": options}
        choices = (await self.control.ask("POST", "/api/autocomplete", body))["choices"]
        return [(choice["name"], choice["value"]) for choice in choices]

    async def sees(self) -> list[Message]:
        """The channel as this person sees it, oldest first."""
        found = await self.control.ask("GET", "/api/messages", channel=self.channel, **{"as": self.name})
        return [Message.of(raw) for raw in found["messages"]]

    async def again(self, message: Message) -> Message:
        """The same message as it looks by now."""
        return next(each for each in await self.sees() if each.id == message.id)

    async def _interact(self, **body: Any) -> str:
        return (await self.control.ask("POST", "/api/interactions", {"as": self.name, **body}))["interaction"]


async def eventually(holds: Callable[[], Any], within_s: float = 5.0) -> None:
    """Until `holds()` (which may be a coroutine function) is true."""
    async with asyncio.timeout(within_s):
        while True:
            answer = holds()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.01)


def _leaves(command: Json, before: str = "") -> list[str]:
    name = f"{before} {command['name']}".strip()
    nested = [option for option in command.get("options") or () if option["type"] in (1, 2)]
    return [leaf for option in nested for leaf in _leaves(option, name)] or [name]
