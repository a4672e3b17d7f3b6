"""Why the process ends before it has begun: one line for the operator, a code from sysexits.h (os.EX_…)."""


class StartFailure(Exception):
    """The bot cannot start. The text is the one line the operator reads; it names what to change."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code
