-- Where the journal begins once its older rows have left it, and what must stay known of them.

-- migrate:up
CREATE TABLE journal_anchor (
    -- The last row that left, and the chain value that the next one follows from.
    seq INTEGER NOT NULL PRIMARY KEY,
    chain BLOB NOT NULL,
    -- 'export': in good order, to `file`; 'epoch': the table was damaged, `file` has what could be read.
    kind TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    CONSTRAINT journal_anchor_kind_is_known CHECK (kind IN ('export', 'epoch')),
    CONSTRAINT journal_anchor_chain_is_sha256 CHECK (length(chain) = 32)
) STRICT;

-- An operation happens once for ever, also when its row is in a file.
CREATE TABLE journal_past (
    operation_id TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    guild_id INTEGER NOT NULL,
    outcome TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- migrate:down
DROP TABLE journal_past;
DROP TABLE journal_anchor;
