"""What a person does, through the HTTP control API."""

import asyncio
from typing import Any, Self

import aiohttp


class People:
    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        """Status and JSON."""
        async with self.http.request(method, path, json=body, params=query) as response:
            text = await response.read()
            return response.status, await response.json() if text else None

    async def interact(self, *, as_: str = "abigail", **body: Any) -> str:
        """The interaction's id, once the bot has acknowledged it."""
        if "message" not in body and "modal" not in body:
            body.setdefault("channel", "general")
        status, answer = await self.ask("POST", "/api/interactions", {"as": as_, **body})
        assert status == 200, answer
        return answer["interaction"]

    async def refused(self, *, as_: str = "abigail", **body: Any) -> tuple[int, str]:
        """Status and words of a refusal."""
        if "message" not in body and "modal" not in body:
            body.setdefault("channel", "general")
        status, answer = await self.ask("POST", "/api/interactions", {"as": as_, **body})
        assert status >= 400, answer
        return status, answer["error"]

    async def outcome(self, interaction: str) -> dict[str, Any]:
        """The interaction once it is over (answered, failed or expired)."""
        async with asyncio.timeout(5):
            while True:
                _, found = await self.ask("GET", f"/api/interactions/{interaction}")
                if found["state"] not in ("pending", "deferred"):
                    return found
                await asyncio.sleep(0.002)

    async def answer(self, *, as_: str = "abigail", **body: Any) -> dict[str, Any]:
        """The one message by which the bot answers."""
        outcome = await self.outcome(await self.interact(as_=as_, **body))
        [message] = outcome["messages"]
        return message

    async def messages(self, *, channel: str = "general", **query: str) -> list[dict[str, Any]]:
        status, answer = await self.ask("GET", "/api/messages", channel=channel, **query)
        assert status == 200, answer
        return answer["messages"]

    async def fault(self, kind: str, **body: Any) -> None:
        status, answer = await self.ask("POST", "/api/faults", {"kind": kind, **body})
        assert status == 204, answer
