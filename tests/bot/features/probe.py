"""A feature with every way to go wrong."""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.funnel import Interaction, SafeModal, SafeView, UserError, defer, respond
from bot.ui.confirm import Confirm
from bot.ui.embeds import info
from bot.ui.paginator import Page, Paginator
from db import QueryFailed


class Buttons(SafeView):
    @discord.ui.button(label="refuse")
    async def refuse(self, _interaction: Interaction, _button: object):
        raise UserError("not with this button")

    @discord.ui.button(label="crash")
    async def crash(self, _interaction: Interaction, _button: object):
        raise RuntimeError("the button's secret reason")

    @discord.ui.button(label="fine")
    async def fine(self, interaction: Interaction, _button: object):
        await defer(interaction, thinking=False)
        await respond(interaction, "replaced")


class Form(SafeModal, title="A form"):
    words = discord.ui.TextInput(label="Words", custom_id="words")

    async def on_submit(self, interaction: Interaction):
        if self.words.value == "crash":
            raise RuntimeError("the form's secret reason")
        await respond(interaction, f"you wrote {self.words.value}")


class Probe(commands.Cog):
    def __init__(self) -> None:
        self.runs = 0
        self.view = None
        self.entered = asyncio.Event()
        self.release = asyncio.Event()

    @app_commands.command(description="answers")
    async def plain(self, interaction: discord.Interaction) -> None:
        self.runs += 1
        await respond(interaction, "hello")

    @app_commands.command(description="refuses")
    async def refuse(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        raise UserError("you have not got that many")

    @app_commands.command(description="crashes")
    async def crash(self, interaction: discord.Interaction, early: bool) -> None:
        if not early:
            await defer(interaction)
        raise RuntimeError("the secret reason")

    @app_commands.command(description="forgets to answer")
    async def mute(self, interaction: discord.Interaction) -> None:
        pass

    @app_commands.command(description="cannot read")
    async def database(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        raise QueryFailed("SQLITE_ERROR in read: no such table: secret")

    @app_commands.command(description="waits until it is let go")
    async def late(self, interaction: discord.Interaction, deferred: bool = True) -> None:
        if deferred:
            await defer(interaction)
        self.entered.set()
        await self.release.wait()
        await respond(interaction, "at last")

    @app_commands.command(description="answers twice")
    async def overanswer(self, interaction: discord.Interaction) -> None:
        await respond(interaction, "one")
        await respond(interaction, "two")

    @app_commands.command(description="has buttons")
    async def press(self, interaction: discord.Interaction) -> None:
        self.view = Buttons(author=interaction.user.id)
        await respond(interaction, "press", view=self.view, ephemeral=False)

    @app_commands.command(description="has a form")
    async def form(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())

    @app_commands.command(description="asks first")
    async def ask(self, interaction: discord.Interaction, crash: bool = False) -> None:
        async def act(click: discord.Interaction) -> None:
            self.runs += 1
            await asyncio.sleep(0.05)
            if crash:
                raise RuntimeError("the action's secret reason")
            await respond(click, embed=info("Done", f"run {self.runs}"))

        await defer(interaction)
        await Confirm.ask(interaction, info("Really?"), act)

    @app_commands.command(description="has pages")
    async def leaf(self, interaction: discord.Interaction, broken: bool = False) -> None:
        async def fetch(cursor: int | None) -> Page[int]:
            at = cursor or 0
            if broken and at:
                raise QueryFailed("the second page is gone")
            return Page(embed=info(f"page {at}"), following=at + 1 if at < 2 else None)

        await defer(interaction)
        await Paginator[int].show(interaction, fetch)

    @app_commands.command(description="completes")
    async def complete(self, interaction: discord.Interaction, word: str) -> None:
        await respond(interaction, word)

    @complete.autocomplete("word")
    async def _words(self, _interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        if typed == "crash":
            raise RuntimeError("the completion's secret reason")
        return [app_commands.Choice(name=typed, value=typed)]

    @app_commands.command(description="for admins")
    async def secret(self, interaction: discord.Interaction) -> None:
        await respond(interaction, "for admins")

    @app_commands.command(description="for operators")
    async def machine(self, interaction: discord.Interaction) -> None:
        await respond(interaction, "for operators")


async def setup(bot: commands.Bot) -> None:
    await bot.add_cog(Probe())
