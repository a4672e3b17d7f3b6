-- Messages that follow from a write, in the same transaction as the write; they leave when Discord takes them.

-- migrate:up
CREATE TABLE announcement (
    id              INTEGER NOT NULL PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    operation_id    TEXT NOT NULL,
    kind            TEXT NOT NULL,
    body            TEXT NOT NULL,
    -- Whoever it is for. What goes by the same lane leaves one by one, in the order of the ids.
    lane            TEXT NOT NULL,
    channel_id      INTEGER,
    user_id         INTEGER,
    application_id  INTEGER,
    token           TEXT,
    token_until_ms  INTEGER,
    -- How it is to be sent now; each way that turns out to be closed is followed by the next.
    way             TEXT NOT NULL,
    follow_up_begun INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    problem         TEXT NOT NULL,
    held            INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    -- Only the first of a lane has one: the others wait for it.
    due_at_ms       INTEGER,
    outcome         TEXT,
    ended_at_ms     INTEGER,
    CONSTRAINT announcement_way_known CHECK (way IN ('follow-up', 'channel', 'direct')),
    CONSTRAINT announcement_way_possible CHECK (
        CASE way WHEN 'channel' THEN channel_id IS NOT NULL WHEN 'direct' THEN user_id IS NOT NULL ELSE TRUE END
    ),
    CONSTRAINT announcement_follow_up_has_token CHECK (
        way <> 'follow-up' OR outcome IS NOT NULL
        OR (application_id IS NOT NULL AND token IS NOT NULL AND token_until_ms IS NOT NULL)
    ),
    CONSTRAINT announcement_outcome_known CHECK (outcome IN ('sent', 'given up')),
    CONSTRAINT announcement_ended_or_not CHECK ((outcome IS NULL) = (ended_at_ms IS NULL)),
    CONSTRAINT announcement_due_while_waiting CHECK (due_at_ms IS NULL OR (outcome IS NULL AND held = 0)),
    CONSTRAINT announcement_secret_forgotten CHECK (outcome IS NULL OR token IS NULL),
    CONSTRAINT announcement_held_is_boolean CHECK (held IN (0, 1)),
    CONSTRAINT announcement_follow_up_begun_is_boolean CHECK (follow_up_begun IN (0, 1))
) STRICT;

CREATE INDEX announcement_due ON announcement (due_at_ms, id) WHERE due_at_ms IS NOT NULL;
CREATE INDEX announcement_unsent ON announcement (lane, id) WHERE outcome IS NULL;
CREATE INDEX announcement_ended ON announcement (outcome, ended_at_ms) WHERE outcome IS NOT NULL;

-- migrate:down
DROP TABLE announcement;
