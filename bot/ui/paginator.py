"""Pages with ◀ and ▶: by cursor (keyset), so that a page costs the same however deep it lies."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeAlias, TypeVar

import discord

from bot.funnel import Interaction, SafeView, UserError, defer, respond

Cursor = TypeVar("Cursor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Cursor]):
    """One page, and the cursor from which the next one is fetched (None: this is the last)."""

    embed: discord.Embed
    following: Cursor | None = None


Fetch: TypeAlias = Callable[[Cursor | None], Awaitable[Page[Cursor]]]


class Paginator(SafeView, Generic[Cursor]):
    """`fetch(cursor)` gives a page; None asks for the first. The way back is the trail of cursors come by."""

    def __init__(self, fetch: Fetch[Cursor], *, author: int) -> None:
        super().__init__(author=author)
        self._fetch = fetch
        self._trail: list[Cursor | None] = [None]
        self._following: Cursor | None = None

    @classmethod
    async def show(cls, interaction: Interaction, fetch: Fetch[Cursor], *, ephemeral: bool = True) -> None:
        """Answer with the first page, and with buttons if there is a second."""
        pages = cls(fetch, author=interaction.user.id)
        page = await pages.load([None])
        view = pages if page.following is not None else None
        await respond(interaction, embed=page.embed, view=view, ephemeral=ephemeral)

    @classmethod
    async def show_all(
        cls, interaction: Interaction, embeds: Sequence[discord.Embed], *, ephemeral: bool = True
    ) -> None:
        """The same for pages that are all at hand."""
        await Paginator[int].show(interaction, over(embeds), ephemeral=ephemeral)

    async def load(self, trail: list[Cursor | None]) -> Page[Cursor]:
        """Fetch the page at the end of `trail`; only when that worked is it where we are."""
        page = await self._fetch(trail[-1])
        self._trail, self._following = trail, page.following
        self.back.disabled = len(trail) == 1
        self.forward.disabled = page.following is None
        return page

    async def _turn(self, interaction: Interaction, trail: list[Cursor | None]) -> None:
        await defer(interaction, thinking=False)
        page = await self.load(trail)
        await respond(interaction, embed=page.embed, view=self)

    @discord.ui.button(emoji="◀", style=discord.ButtonStyle.secondary)
    async def back(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        # Two clicks can be on their way at once: the second one may find nothing left to turn.
        if len(self._trail) == 1:
            raise UserError("This is the first page.")
        await self._turn(interaction, self._trail[:-1])

    @discord.ui.button(emoji="▶", style=discord.ButtonStyle.secondary)
    async def forward(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        if self._following is None:
            raise UserError("This is the last page.")
        await self._turn(interaction, [*self._trail, self._following])


def over(embeds: Sequence[discord.Embed]) -> Fetch[int]:
    """A `fetch` over embeds that are all at hand; the cursor is the page's index."""

    async def fetch(cursor: int | None) -> Page[int]:
        at = cursor or 0
        return Page(embed=embeds[at], following=at + 1 if at + 1 < len(embeds) else None)

    return fetch
