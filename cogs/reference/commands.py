"""/ping, /about, /help, /constitution and /roll: what works whatever the database does."""

import math
from collections.abc import Sequence
from importlib.metadata import version
from random import Random

from discord import app_commands
from discord.ext import commands

from bot.client import Rollcall
from bot.funnel import Interaction, UserError, respond
from bot.permissions import level_of
from bot.ui import embeds
from bot.ui.paginator import Paginator
from cogs.reference import catalogue, dice, pages
from cogs.reference.constitution import (
    MAX_QUERY_CHARS,
    BadQueryError,
    Part,
    load,
    lookup,
    search,
)

MAX_DICE_SHOWN = 30  # one by one; beyond that the total says enough
MAX_CHOICES = 25  # Discord's limit for a completion

ABOUT = (
    "I keep the records of a Model US server: who holds office, who paid whom, what was passed. "
    "Whatever you do here is either stored for good, or I tell you plainly that it was not."
)


class Reference(commands.Cog):
    def __init__(self, bot: Rollcall, random: Random) -> None:
        self.bot = bot
        self._random = random

    @app_commands.command()
    async def ping(self, interaction: Interaction) -> None:
        """Whether I am there, and how far away Discord is."""
        await respond(interaction, embed=embeds.info("Pong", _latency(self.bot.latency)))

    @app_commands.command()
    async def about(self, interaction: Interaction) -> None:
        """What I am, which version runs, and since when."""
        embed = embeds.info("Rollcall", ABOUT)
        embed.add_field(name="Version", value=version("rollcall"))
        embed.add_field(name="Up since", value=f"<t:{int(self.bot.started_at)}:R>")
        embed.add_field(name="Records", value=str(self.bot.db.mode))
        await respond(interaction, embed=embed)

    @app_commands.command(name="help")
    @app_commands.describe(command="One command, or a group of them")
    async def show_help(self, interaction: Interaction, command: str | None = None) -> None:
        """What you may do here."""
        entries = self._runnable(interaction)
        if command is None:
            blocks, title = catalogue.summary(entries), "What you may do here"
        else:
            blocks = [catalogue.detail(entry) for entry in catalogue.named(entries, command)]
            title = "Help"
        if not blocks:
            raise UserError("There is no such command that you may run here. `/help` lists them all.")
        await Paginator.show_all(interaction, pages.numbered(title, pages.pack(blocks)))

    @show_help.autocomplete("command")
    async def _help_command(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        names = catalogue.matching(self._runnable(interaction), typed)
        return [app_commands.Choice(name=f"/{name}", value=name) for name in names[:MAX_CHOICES]]

    @app_commands.command()
    @app_commands.rename(notation="dice")
    @app_commands.describe(notation="Such as d20, 2d6 or 4d8-1")
    async def roll(self, interaction: Interaction, notation: app_commands.Range[str, 1, 40] = "d6") -> None:
        """Roll dice, for all to see."""
        try:
            result = dice.roll(dice.parse(notation), self._random)
        except dice.BadDiceError as error:
            raise UserError(str(error)) from error
        await respond(interaction, embed=embeds.info(f"{result.dice}", _fallen(result)), ephemeral=False)

    constitution = app_commands.Group(name="constitution", description="The Constitution of the United States.")

    @constitution.command()
    @app_commands.describe(number="1 to 7, or 0 for the preamble", section="Only this section of it")
    async def article(
        self,
        interaction: Interaction,
        number: app_commands.Range[int, 0, 7],
        section: app_commands.Range[int, 1, 10] | None = None,
    ) -> None:
        """Read an article, or the preamble."""
        await _show(interaction, _articles()[number], section)

    @article.autocomplete("number")
    async def _article_number(self, _: Interaction, typed: int | str) -> list[app_commands.Choice[int]]:
        return _choices(lookup(_articles(), str(typed)))

    @constitution.command()
    @app_commands.describe(number="Its number, or what it is about", section="Only this section of it")
    async def amendment(
        self,
        interaction: Interaction,
        number: app_commands.Range[int, 1, 27],
        section: app_commands.Range[int, 1, 6] | None = None,
    ) -> None:
        """Read an amendment."""
        await _show(interaction, load().amendments[number - 1], section)

    @amendment.autocomplete("number")
    async def _amendment_number(self, _: Interaction, typed: int | str) -> list[app_commands.Choice[int]]:
        return _choices(lookup(load().amendments, str(typed)))

    @constitution.command(name="search")
    @app_commands.describe(text="A word or a phrase")
    async def find(self, interaction: Interaction, text: app_commands.Range[str, 1, MAX_QUERY_CHARS]) -> None:
        """Find a word or a phrase in the Constitution."""
        try:
            found = search(text)
        except BadQueryError as error:
            raise UserError(str(error)) from error
        await Paginator.show_all(interaction, pages.of_matches(text, found), ephemeral=not found)

    def _runnable(self, interaction: Interaction) -> list[catalogue.Entry]:
        level = level_of(self.bot, interaction.user, interaction.permissions)
        return catalogue.runnable(self.bot.tree.get_commands(), level, interaction.permissions)


def _articles() -> tuple[Part, ...]:
    book = load()
    return (book.preamble, *book.articles)


def _choices(parts: Sequence[Part]) -> list[app_commands.Choice[int]]:
    return [app_commands.Choice(name=part.label, value=part.number) for part in parts[:MAX_CHOICES]]


async def _show(interaction: Interaction, part: Part, number: int | None) -> None:
    sections = part.sections
    if number is not None:
        section = part.section(number)
        if section is None:
            raise UserError(_no_section(part))
        sections = (section,)
    await Paginator.show_all(interaction, pages.of_part(load(), part, sections), ephemeral=False)


def _no_section(part: Part) -> str:
    if part.sections[0].number is None:
        return f"{part.name} is not divided into sections."
    return f"{part.name} has the sections 1 to {len(part.sections)}."


def _latency(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "I am here. No heartbeat has come back from Discord yet."
    return f"I am here. The last heartbeat went to Discord and back in {seconds * 1000:.1f} ms."


def _fallen(result: dice.Roll) -> str:
    total = f"**{result.total:,}**"
    if len(result.faces) > MAX_DICE_SHOWN or result.sum == str(result.total):
        return total
    return f"{result.sum} = {total}"
