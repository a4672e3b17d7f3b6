"""What refused payments are called in words. Amounts need the guild's currency, so these are made for one."""

from bot.replies import Reasons
from cogs.economy.ledger import LONGEST_MEMO
from cogs.settings.money import format_amount

SELF_PAYMENT = "You cannot pay yourself."
BOT_PAYMENT = "Bots have no wallets."
NOT_HERE = "That user is not on this server."


def reasons(symbol: str) -> Reasons:
    """Why a payment or a grant was refused."""
    return {
        "SELF_PAYMENT": lambda _: SELF_PAYMENT,
        "BAD_AMOUNT": lambda _: "An amount must be more than zero.",
        "TOO_LARGE": lambda details: (
            "That is more money than there can be on one server: "
            f"**{format_amount(details['left_cents'], symbol)}** can still be issued."
        ),
        "INSUFFICIENT_FUNDS": lambda details: (
            f"You have only **{format_amount(details['available_cents'], symbol)}**. Nothing was paid."
        ),
        "WALLET_CLOSED": lambda details: f"The wallet of <@{details['user']}> is closed. Nothing was paid.",
        "MEMO_TOO_LONG": lambda _: f"A memo has at most {LONGEST_MEMO} characters.",
    }


def reversal_reasons(symbol: str) -> Reasons:
    """Why a reversal was refused."""
    return {
        **reasons(symbol),
        "PAYMENT_NOT_FOUND": lambda details: f"There is no payment #{details['payment']} on this server.",
        "NOT_REVERSIBLE": lambda details: (
            f"#{details['payment']} is no payment or grant, and only those can be reversed."
        ),
        "ALREADY_REVERSED": lambda details: (
            f"#{details['payment']} has been reversed already, by #{details['reversal']}."
        ),
        "INSUFFICIENT_FUNDS": lambda details: (
            f"<@{details['user']}> has only **{format_amount(details['available_cents'], symbol)}** left, "
            "too little to take it back. Nothing was changed."
        ),
    }
