"""The two ways of saying no.

DiscordError   what the bot is told, in Discord's own JSON
Refusal        what a person is told, in plain words, by the control API
"""

from typing import Any


class DiscordError(Exception):
    """An error answer of Discord's API. `problem` says whether a well-behaved bot would never have caused it."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        errors: dict[str, Any] | None = None,
        problem: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.problem = problem

    def payload(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors is not None:
            answer["errors"] = self.errors
        return answer


class Refusal(Exception):
    """Something the person at the control API asked for cannot be done; the text says why."""

    def __init__(self, status: int, text: str, **details: Any) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.details = details


def unauthorized() -> DiscordError:
    return DiscordError(401, 0, "401: Unauthorized")


def not_found() -> DiscordError:
    return DiscordError(404, 0, "404: Not Found", problem=True)


def unknown_channel() -> DiscordError:
    return DiscordError(404, 10003, "Unknown Channel")


def unknown_guild() -> DiscordError:
    return DiscordError(404, 10004, "Unknown Guild")


def unknown_member() -> DiscordError:
    return DiscordError(404, 10007, "Unknown Member")


def unknown_message() -> DiscordError:
    return DiscordError(404, 10008, "Unknown Message")


def unknown_user() -> DiscordError:
    return DiscordError(404, 10013, "Unknown User")


def unknown_webhook() -> DiscordError:
    return DiscordError(404, 10015, "Unknown Webhook", problem=True)


def unknown_interaction(*, problem: bool = True) -> DiscordError:
    return DiscordError(404, 10062, "Unknown interaction", problem=problem)


def already_acknowledged(*, problem: bool = True) -> DiscordError:
    return DiscordError(400, 40060, "Interaction has already been acknowledged.", problem=problem)


def not_the_author() -> DiscordError:
    return DiscordError(403, 50005, "Cannot edit a message authored by another user", problem=True)


def empty_message() -> DiscordError:
    return DiscordError(400, 50006, "Cannot send an empty message", problem=True)


def invalid_webhook_token() -> DiscordError:
    return DiscordError(401, 50027, "Invalid Webhook Token", problem=True)


def missing_access() -> DiscordError:
    return DiscordError(403, 50001, "Missing Access")


def cannot_message_user() -> DiscordError:
    return DiscordError(403, 50007, "Cannot send messages to this user")


def missing_permissions() -> DiscordError:
    return DiscordError(403, 50013, "Missing Permissions")


def invalid_recipient() -> DiscordError:
    return DiscordError(400, 50033, "Invalid Recipient(s)", problem=True)


def too_large() -> DiscordError:
    return DiscordError(413, 40005, "Request entity too large", problem=True)


def bad_json() -> DiscordError:
    return DiscordError(400, 50109, "The request body contains invalid JSON.", problem=True)
