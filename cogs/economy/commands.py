"""/wallet, /pay, /leaderboard, and for admins /grant and /reverse."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands
from loguru import logger

from bot.client import Rollcall
from bot.funnel import Interaction, UserError, defer, respond
from bot.permissions import Level, level_of
from bot.replies import deliver
from bot.ui import embeds
from bot.ui.confirm import Confirm
from bot.ui.paginator import Page, Paginator
from cogs.economy import store, views
from cogs.economy.ledger import LONGEST_MEMO
from cogs.economy.ranking import Standing, rank
from cogs.economy.reasons import BOT_PAYMENT, NOT_HERE, SELF_PAYMENT, reasons, reversal_reasons
from cogs.economy.store import Receipt
from cogs.settings import store as settings
from cogs.settings.context import context_of, guild_of
from cogs.settings.money import BadAmount, parse_amount
from cogs.settings.store import GuildSettings
from db import WriteResult

PAGE = 10
# Discord's own bound on whole numbers in options.
LARGEST_OPTION = 2**53 - 1

User = discord.Member | discord.User
Memo = app_commands.Range[str, 1, LONGEST_MEMO]


@dataclass(frozen=True, slots=True)
class Order:
    """A payment that somebody asked for and has perhaps yet to confirm."""

    recipient: int
    amount_cents: int
    memo: str
    symbol: str


class Economy(commands.Cog):
    def __init__(self, bot: Rollcall) -> None:
        self.bot = bot

    wallet = app_commands.Group(name="wallet", description="What you have, and where it came from.")

    @wallet.command()
    @app_commands.describe(user="Somebody else's wallet")
    async def balance(self, interaction: Interaction, user: User | None = None) -> None:
        """How much is in a wallet."""
        owner = user or interaction.user
        if owner.bot:
            raise UserError(BOT_PAYMENT)
        await defer(interaction)
        symbol = (await self._settings(interaction)).currency_symbol
        found = await self.bot.db.read_known(store.balance, guild=guild_of(interaction), user=owner.id)
        shown = views.wallet(found.value, symbol, own=owner == interaction.user)
        await respond(interaction, embed=embeds.as_of(shown, found.age_s))

    @wallet.command()
    @app_commands.describe(user="Somebody else's wallet; only admins may look into it")
    async def history(self, interaction: Interaction, user: User | None = None) -> None:
        """What came into your wallet and what left it, newest first."""
        owner = user or interaction.user
        own = owner == interaction.user
        # Balances are everybody's to see, and a payment is shown where it was made; all of them together are not.
        if not own and level_of(self.bot, interaction.user, interaction.permissions) < Level.ADMIN:
            raise UserError("Only admins may look at somebody else's history.")
        await defer(interaction)
        guild, symbol = guild_of(interaction), (await self._settings(interaction)).currency_symbol

        async def fetch(before: int | None) -> Page[int]:
            page = await self.bot.db.read(
                store.history, guild=guild, user=owner.id, before=before or store.TOP, limit=PAGE
            )
            return Page(embed=views.history(owner.id, page.entries, symbol, own=own), following=page.before)

        await Paginator[int].show(interaction, fetch)

    @app_commands.command()
    @app_commands.describe(user="Who gets it", amount="How much, like $1,234.56", memo="What it is for")
    async def pay(self, interaction: Interaction, user: User, amount: str, memo: Memo = "") -> None:
        """Pay somebody out of your wallet."""
        _require_payee(user)
        if user == interaction.user:
            raise UserError(SELF_PAYMENT)
        await defer(interaction)
        chosen = await self._settings(interaction)
        order = Order(user.id, _cents(amount, chosen), _one_line(memo), chosen.currency_symbol)
        transfer = partial(self._transfer, interaction, order)
        if order.amount_cents > chosen.confirm_above_cents:
            asked = views.question(order.recipient, order.amount_cents, order.memo, order.symbol)
            await Confirm.ask(interaction, asked, transfer, label="Pay")
        else:
            await transfer(interaction)

    async def _transfer(self, began: Interaction, order: Order, answering: Interaction) -> None:
        """Pay under the id of the command that began it; `answering` is that, or the click that confirms."""
        result = await self.bot.db.write(
            store.transfer,
            context_of(began, "pay"),
            sender=began.user.id,
            recipient=order.recipient,
            amount_cents=order.amount_cents,
            memo=order.memo,
        )
        await _settle(answering, result, order.symbol, views.paid)

    @app_commands.command()
    async def leaderboard(self, interaction: Interaction) -> None:
        """Who has the most."""
        await defer(interaction, ephemeral=False)
        guild, symbol = guild_of(interaction), (await self._settings(interaction)).currency_symbol

        async def fetch(after: Standing | None) -> Page[Standing]:
            last = after and after.holding
            known = await self.bot.db.read_known(
                store.leaderboard,
                guild=guild,
                below_cents=last.balance_cents if last else store.TOP,
                below_account=last.account_id if last else store.TOP,
                limit=PAGE + 1,
            )
            shown = rank(known.value[:PAGE], after)
            following = shown[-1] if len(known.value) > PAGE else None
            return Page(embed=embeds.as_of(views.leaderboard(shown, symbol), known.age_s), following=following)

        await Paginator[Standing].show(interaction, fetch, ephemeral=False)

    @app_commands.command()
    @app_commands.describe(user="Who gets it", amount="How much, like $1,234.56", memo="What it is for")
    async def grant(self, interaction: Interaction, user: User, amount: str, memo: Memo = "") -> None:
        """Issue new money into somebody's wallet (admins)."""
        _require_payee(user)
        await defer(interaction)
        chosen = await self._settings(interaction)
        result = await self.bot.db.write(
            store.grant,
            context_of(interaction, "grant"),
            recipient=user.id,
            amount_cents=_cents(amount, chosen),
            memo=_one_line(memo),
        )
        await _settle(interaction, result, chosen.currency_symbol, views.granted)

    @app_commands.command()
    @app_commands.describe(payment="Its number, as the history shows it", reason="Why it goes back")
    async def reverse(
        self,
        interaction: Interaction,
        payment: app_commands.Range[int, 1, LARGEST_OPTION],
        reason: Memo = "",
    ) -> None:
        """Take a payment or a grant back, by a payment the other way (admins)."""
        await defer(interaction)
        symbol = (await self._settings(interaction)).currency_symbol
        result = await self.bot.db.write(
            store.reverse, context_of(interaction, "reverse"), payment=payment, reason=_one_line(reason)
        )
        await deliver(
            interaction,
            result,
            reversal_reasons(symbol),
            lambda receipt: views.reversed_(receipt, payment, symbol),
        )

    async def _settings(self, interaction: Interaction) -> GuildSettings:
        """The last known ones where reading fails: they are all that a payment needs to be stored for later."""
        return (await self.bot.db.read_known(settings.get, guild=guild_of(interaction))).value


async def _settle(
    interaction: Interaction,
    result: WriteResult[Receipt],
    symbol: str,
    success: Callable[[Receipt, str], discord.Embed],
) -> None:
    """Answer the one who moved the money, and show it in the channel where its recipient can see it."""
    await deliver(interaction, result, reasons(symbol), lambda receipt: success(receipt, symbol))
    if result.ok and not result.repeated:
        try:
            await respond(interaction, embed=views.notice(result.value, symbol), ephemeral=False)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            # The money has moved and its owner knows; an error message now would say the opposite.
            logger.warning("payment {} could not be shown: {}", result.value.payment_id, error)


def _require_payee(user: User) -> None:
    if user.bot:
        raise UserError(BOT_PAYMENT)
    if not isinstance(user, discord.Member):
        raise UserError(NOT_HERE)


def _cents(text: str, chosen: GuildSettings) -> int:
    try:
        return parse_amount(text, symbol=chosen.currency_symbol)
    except BadAmount as bad:
        raise UserError(str(bad)) from bad


def _one_line(memo: str) -> str:
    """A memo is one line; NUL is no text that a database keeps."""
    return " ".join(memo.replace("\0", " ").split())
