"""What wallets, payments and the leaderboard look like."""

from collections.abc import Sequence

import discord

from bot.replies import safe_text
from bot.ui import embeds
from cogs.economy.ranking import Standing
from cogs.economy.store import HistoryEntry, Receipt, Wallet
from cogs.settings.money import format_amount

# In a list the beginning of a memo is enough; ten whole ones would not fit into an embed.
MEMO_IN_LIST = 80


def wallet(found: Wallet, symbol: str, *, own: bool) -> discord.Embed:
    amount = f"**{format_amount(found.balance_cents, symbol)}**"
    if found.is_closed:
        text = f"This wallet is closed. It holds {amount}."
    elif not found.is_opened:
        text = f"Not opened yet: it will open with {amount} at its first payment."
    else:
        text = amount
    return embeds.info("Your wallet", text) if own else embeds.info("Wallet", f"<@{found.user_id}>\n{text}")


def question(recipient: int, amount_cents: int, memo: str, symbol: str) -> discord.Embed:
    return embeds.info("Pay this?", f"**{format_amount(amount_cents, symbol)}** to <@{recipient}>{_quoted(memo)}")


def paid(receipt: Receipt, symbol: str) -> discord.Embed:
    """For the payer."""
    embed = embeds.success(
        "Paid",
        f"**{format_amount(receipt.amount_cents, symbol)}** to <@{receipt.payee}>{_quoted(receipt.memo)}",
    )
    embed.add_field(name="Left in your wallet", value=format_amount(receipt.payer_balance_cents, symbol))
    embed.add_field(name="Payment", value=f"#{receipt.payment_id}")
    return embed


def granted(receipt: Receipt, symbol: str) -> discord.Embed:
    """For the admin."""
    embed = embeds.success(
        "Granted",
        f"**{format_amount(receipt.amount_cents, symbol)}** to <@{receipt.payee}>{_quoted(receipt.memo)}",
    )
    embed.add_field(name="In their wallet now", value=format_amount(receipt.payee_balance_cents, symbol))
    embed.add_field(name="Payment", value=f"#{receipt.payment_id}")
    return embed


def reversed_(receipt: Receipt, payment: int, symbol: str) -> discord.Embed:
    """For the admin."""
    back_to = "where it was issued" if receipt.payee is None else f"<@{receipt.payee}>"
    embed = embeds.success(
        f"Payment #{payment} reversed",
        f"**{format_amount(receipt.amount_cents, symbol)}** went back from <@{receipt.payer}> to {back_to}"
        f"{_quoted(receipt.memo)}",
    )
    embed.add_field(name="By payment", value=f"#{receipt.payment_id}")
    return embed


def notice(receipt: Receipt, symbol: str) -> discord.Embed:
    """For the channel, so that the recipient can see it; nobody is pinged."""
    amount = f"**{format_amount(receipt.amount_cents, symbol)}**"
    if receipt.payer is None:
        title, text = "Grant", f"<@{receipt.payee}> was granted {amount}"
    else:
        title, text = "Payment", f"<@{receipt.payer}> paid {amount} to <@{receipt.payee}>"
    return embeds.info(title, text + _quoted(receipt.memo))


def history(user: int, entries: Sequence[HistoryEntry], symbol: str, *, own: bool) -> discord.Embed:
    lines = [_history_line(entry, symbol) for entry in entries] or ["Nothing has come or gone yet."]
    title = "Your wallet's history" if own else "A wallet's history"
    return embeds.info(title, "\n".join(lines if own else [f"<@{user}>", *lines]))


def leaderboard(standings: Sequence[Standing], symbol: str) -> discord.Embed:
    lines = [
        f"**{standing.rank}.** <@{standing.holding.user_id}> · {format_amount(standing.holding.balance_cents, symbol)}"
        for standing in standings
    ]
    return embeds.info("The richest", "\n".join(lines) or "Nobody has a wallet yet.")


def _history_line(entry: HistoryEntry, symbol: str) -> str:
    sign = "+" if entry.amount_cents > 0 else ""
    parts = [
        f"<t:{entry.at_ms // 1000}:d> **{sign}{format_amount(entry.amount_cents, symbol)}** {_what(entry)}",
        f"#{entry.payment_id}",
        f"leaves {format_amount(entry.balance_after_cents, symbol)}",
    ]
    if entry.reversed_by is not None:
        parts.append(f"reversed by #{entry.reversed_by}")
    return " · ".join(parts) + _quoted(embeds.shorten(entry.memo, MEMO_IN_LIST))


def _what(entry: HistoryEntry) -> str:
    other = "the server" if entry.other_user_id is None else f"<@{entry.other_user_id}>"
    match entry.kind:
        case "opening":
            return "opening balance"
        case "grant":
            return "granted"
        case "reversal":
            return f"reversal of #{entry.reverses}, {_direction(entry)} {other}"
        case _:
            return f"{_direction(entry)} {other}"


def _direction(entry: HistoryEntry) -> str:
    return "from" if entry.amount_cents > 0 else "to"


def _quoted(memo: str) -> str:
    return f"\n> {safe_text(memo)}" if memo else ""
