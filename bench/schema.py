"""The tables that all sides work on, and the statements they run."""

from typing import Final

WALLETS: Final = 1_000
SCHEMA: Final = f"""
CREATE TABLE bench_wallet (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0)) STRICT;
CREATE TABLE bench_transfer (
    id INTEGER PRIMARY KEY, sender INTEGER NOT NULL, recipient INTEGER NOT NULL, amount INTEGER NOT NULL
) STRICT;
INSERT INTO bench_wallet (id, balance)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {WALLETS})
SELECT n, 1000000 FROM number;
"""
BEGIN: Final = "BEGIN IMMEDIATE"
TAKE: Final = "UPDATE bench_wallet SET balance = balance - ? WHERE id = ? AND balance >= ?"
GIVE: Final = "UPDATE bench_wallet SET balance = balance + ? WHERE id = ?"
RECORD: Final = "INSERT INTO bench_transfer (sender, recipient, amount) VALUES (?, ?, ?)"
READ: Final = "SELECT balance FROM bench_wallet WHERE id = ?"
