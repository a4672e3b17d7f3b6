-- migrate:up

-- Where money is: a player's wallet, the guild's treasury, and the issuance account from which all
-- money comes. Only issuance may be below zero: its balance is what all others hold together, negated.
-- 100000000000000000 (10^17 cents) bounds what a guild may issue, and so every balance and every sum.
CREATE TABLE account (
    id            INTEGER NOT NULL PRIMARY KEY,
    guild_id      INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    user_id       INTEGER,
    balance_cents INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    opened_at_ms  INTEGER NOT NULL,
    deleted_at_ms INTEGER,
    CONSTRAINT account_kind_known CHECK (kind IN ('wallet', 'treasury', 'issuance')),
    CONSTRAINT account_wallet_has_user CHECK ((kind = 'wallet') = (user_id IS NOT NULL)),
    CONSTRAINT account_balance_not_negative CHECK (balance_cents >= 0 OR kind = 'issuance'),
    CONSTRAINT account_balance_bounded
        CHECK (balance_cents BETWEEN -100000000000000000 AND 100000000000000000)
) STRICT;

CREATE UNIQUE INDEX account_one_wallet_per_user ON account (guild_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX account_one_of_each_other_kind ON account (guild_id, kind) WHERE user_id IS NULL;
CREATE INDEX account_leaderboard ON account (guild_id, balance_cents, id)
    WHERE user_id IS NOT NULL AND deleted_at_ms IS NULL;

-- One movement of money. Its operation id makes it happen once, whatever is delivered twice.
CREATE TABLE payment (
    id           INTEGER NOT NULL PRIMARY KEY,
    guild_id     INTEGER NOT NULL,
    operation_id TEXT NOT NULL,
    kind         TEXT NOT NULL,
    actor_id     INTEGER NOT NULL,
    memo         TEXT NOT NULL,
    reverses_id  INTEGER,
    at_ms        INTEGER NOT NULL,
    CONSTRAINT payment_operation_once UNIQUE (operation_id),
    CONSTRAINT payment_reverses FOREIGN KEY (reverses_id) REFERENCES payment (id) ON DELETE RESTRICT,
    CONSTRAINT payment_kind_known CHECK (kind IN ('opening', 'payment', 'grant', 'reversal')),
    CONSTRAINT payment_reversal_names_payment CHECK ((kind = 'reversal') = (reverses_id IS NOT NULL)),
    CONSTRAINT payment_reverses_earlier CHECK (reverses_id < id),
    CONSTRAINT payment_memo_length CHECK (length(memo) <= 200)
) STRICT;

CREATE UNIQUE INDEX payment_reversed_once ON payment (reverses_id) WHERE reverses_id IS NOT NULL;

-- What a payment did to each account; the amounts of one payment sum to zero. The key keeps a wallet's
-- history together in the file: a page of it is one range of one tree.
CREATE TABLE ledger_entry (
    account_id          INTEGER NOT NULL,
    payment_id          INTEGER NOT NULL,
    guild_id            INTEGER NOT NULL,
    amount_cents        INTEGER NOT NULL,
    balance_after_cents INTEGER NOT NULL,
    at_ms               INTEGER NOT NULL,
    PRIMARY KEY (account_id, payment_id),
    CONSTRAINT ledger_entry_account FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE RESTRICT,
    CONSTRAINT ledger_entry_payment FOREIGN KEY (payment_id) REFERENCES payment (id) ON DELETE RESTRICT,
    CONSTRAINT ledger_entry_moves_something CHECK (amount_cents <> 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_entry_by_payment ON ledger_entry (payment_id);

-- migrate:down

DROP TABLE ledger_entry;
DROP TABLE payment;
DROP TABLE account;
