"""Reading the bot's messages and pressing their buttons."""

from typing import Any

from tests.sandbox.people import People

Message = dict[str, Any]


def said(message: Message) -> str:
    """The words of a message, wherever it has them."""
    texts = [text for embed in message["embeds"] for text in (embed.get("title"), embed.get("description")) if text]
    return " ".join([message["content"], *texts]).strip()


def button(message: Message, label: str) -> Message:
    buttons = [each for row in message["components"] for each in row["components"]]
    return next(each for each in buttons if label in {each.get("label"), (each.get("emoji") or {}).get("name")})


async def press(people: People, message: Message, label: str, **who: str) -> str:
    """The id of the click's interaction, once the bot has acknowledged it."""
    return await people.interact(message=message["id"], custom_id=button(message, label)["custom_id"], **who)


async def now(people: People, message: Message, **who: str) -> Message:
    """The same message as it looks by now."""
    return next(each for each in await people.messages(**{"as": "abigail", **who}) if each["id"] == message["id"])
