"""Who puts announcements into words. The database keeps facts; each kind of them has a renderer, often a feature's."""

from typing import Protocol

import discord

from db.announcements import Announcement, Way


class Renderer(Protocol):
    async def __call__(self, announcement: Announcement, *, private: bool) -> discord.Embed:
        """The message. With `private` only its addressee sees it; else everybody in the channel does."""
        ...


class NoRendererError(LookupError):
    """Nobody knows this kind; the feature that made it may be switched off."""


class Renderers:
    """Renderers by the kind of announcement."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Renderer] = {}

    def register(self, kind: str, renderer: Renderer) -> None:
        """Registering a kind again, as a reloaded feature does, replaces its renderer."""
        self._by_kind[kind] = renderer

    async def render(self, announcement: Announcement) -> discord.Embed:
        """What is to be sent; raises NoRendererError."""
        if announcement.kind not in self._by_kind:
            raise NoRendererError(f"nobody puts {announcement.kind!r} into words")
        return await self._by_kind[announcement.kind](announcement, private=announcement.way is not Way.CHANNEL)
