-- What the database layer itself needs: the journal of all operations, and the fence.

-- migrate:up
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    operation_id TEXT NOT NULL,
    name TEXT NOT NULL,
    guild_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    commitment BLOB NOT NULL,
    chain BLOB NOT NULL,
    CONSTRAINT journal_operation_happens_once UNIQUE (operation_id),
    CONSTRAINT journal_outcome_is_known CHECK (outcome IN ('committed', 'rejected', 'event')),
    CONSTRAINT journal_commitment_is_sha256 CHECK (length(commitment) = 32),
    CONSTRAINT journal_chain_is_sha256 CHECK (length(chain) = 32)
) STRICT;

-- Apart from the journal, so that a person's data can be erased while the chain still verifies.
CREATE TABLE journal_payload (
    seq INTEGER PRIMARY KEY REFERENCES journal (seq) ON DELETE CASCADE,
    salt BLOB NOT NULL,
    payload TEXT NOT NULL
) STRICT;

-- A commit of this row that has reached the disk proves that every commit before it has been settled.
CREATE TABLE fence (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    CONSTRAINT fence_has_one_row CHECK (id = 1)
) STRICT;

-- migrate:down
DROP TABLE fence;
DROP TABLE journal_payload;
DROP TABLE journal;
