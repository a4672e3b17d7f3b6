"""Discord's numbers for the kinds of commands and options."""

from typing import Final

# JSON numbers are doubles to many clients: Discord takes whole numbers only as far as those are exact.
LARGEST_INTEGER = 2**53


class CommandType:
    CHAT: Final = 1
    USER: Final = 2
    MESSAGE: Final = 3


class OptionType:
    SUBCOMMAND: Final = 1
    GROUP: Final = 2
    STRING: Final = 3
    INTEGER: Final = 4
    BOOLEAN: Final = 5
    USER: Final = 6
    CHANNEL: Final = 7
    ROLE: Final = 8
    MENTIONABLE: Final = 9
    NUMBER: Final = 10
    ATTACHMENT: Final = 11
