-- migrate:up

-- What an admin chose for a guild with /setup. A guild without a row has the defaults of
-- cogs/settings/store.py: they stand there alone, so that there is one truth about them.
CREATE TABLE guild_settings (
    guild_id                 INTEGER NOT NULL PRIMARY KEY,
    announcements_channel_id INTEGER,
    admins_channel_id        INTEGER,
    admin_role_id            INTEGER,
    currency_symbol          TEXT NOT NULL,
    currency_name            TEXT NOT NULL,
    opening_balance_cents    INTEGER NOT NULL,
    confirm_above_cents      INTEGER NOT NULL,
    version                  INTEGER NOT NULL,
    updated_by               INTEGER NOT NULL,
    updated_at_ms            INTEGER NOT NULL,
    CONSTRAINT guild_settings_symbol_length CHECK (length(currency_symbol) BETWEEN 1 AND 4),
    CONSTRAINT guild_settings_name_length CHECK (length(currency_name) BETWEEN 1 AND 32),
    CONSTRAINT guild_settings_opening_balance_range
        CHECK (opening_balance_cents BETWEEN 0 AND 100000000000000000),
    CONSTRAINT guild_settings_confirm_above_range
        CHECK (confirm_above_cents BETWEEN 0 AND 100000000000000000)
) STRICT;

-- migrate:down

DROP TABLE guild_settings;
