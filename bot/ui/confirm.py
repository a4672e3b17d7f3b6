"""Asking before doing: the action runs at most once, and only for the one who asked."""

from collections.abc import Awaitable, Callable
from typing import Self, TypeAlias

import discord

from bot.funnel import Interaction, SafeView, defer, respond
from bot.ui import embeds

Action: TypeAlias = Callable[[Interaction], Awaitable[None]]

CONFIRM_TIMEOUT_S = 120.0


class Confirm(SafeView):
    """Two buttons. `action` gets the click's interaction, deferred: its `respond` replaces the question.

    The write inside `action` bears the id of the interaction that *began* the flow, so that even a click that
    outlives this object cannot pay twice.
    """

    def __init__(
        self,
        action: Action,
        *,
        author: int,
        label: str = "Confirm",
        style: discord.ButtonStyle = discord.ButtonStyle.success,
        timeout: float = CONFIRM_TIMEOUT_S,
    ) -> None:
        super().__init__(author=author, timeout=timeout)
        self._action = action
        self._decided = False
        self.confirm.label = label
        self.confirm.style = style

    @classmethod
    async def ask(
        cls, interaction: Interaction, question: discord.Embed, action: Action, *, label: str = "Confirm"
    ) -> None:
        """Put the question to the user of `interaction`; returns at once, the click runs `action`."""
        view = cls(action, author=interaction.user.id, label=label)
        await respond(interaction, embed=question, view=view)

    def _decide(self) -> bool:
        """True for the first click alone. Nothing awaits in here, so two clicks cannot both be first."""
        first, self._decided = not self._decided, True
        return first

    @discord.ui.button(label="Confirm")
    async def confirm(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        first = self._decide()
        await defer(interaction, thinking=False)
        if not first:
            return
        try:
            await self._action(interaction)
        except Exception:
            self.disable()
            await self.refresh()
            raise
        finally:
            self.stop()

    @discord.ui.button(label="Cancel", style=discord.ButtonStyle.secondary)
    async def cancel(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        first = self._decide()
        await defer(interaction, thinking=False)
        if first:
            self.stop()
            await respond(interaction, embed=embeds.info("Cancelled", "Nothing was changed."))

    async def on_timeout(self) -> None:
        if not self._decided:
            await super().on_timeout()
