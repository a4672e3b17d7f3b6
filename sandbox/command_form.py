"""What commands may be registered: the rules by which Discord checks a bulk overwrite."""

from typing import Any

from sandbox.form import Form


def check_commands(payload: Any) -> None:
    form = Form()
    if not isinstance(payload, list):
        Form.fail("_", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    form.check()
