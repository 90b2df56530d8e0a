-- Users that are deleted or disabled, guests, users of identity providers, resets of passwords, and
-- sessions with a hard end. Times are milliseconds since 1970.

ALTER TABLE users ADD COLUMN provider_key TEXT; -- as whom an identity provider knows him
ALTER TABLE users ADD COLUMN disabled_at INTEGER; -- since when he may not sign in
ALTER TABLE users ADD COLUMN ends_at INTEGER; -- when a guest is deleted
ALTER TABLE users ADD COLUMN deleted_at INTEGER; -- a tombstone: nothing of him is left but numbers and times
ALTER TABLE users ADD COLUMN is_departing INTEGER NOT NULL DEFAULT 0; -- deleted, and dialogs may still hold him

CREATE UNIQUE INDEX users_by_provider_key ON users (provider_key) WHERE provider_key IS NOT NULL;
CREATE INDEX users_by_end ON users (ends_at) WHERE ends_at IS NOT NULL;
CREATE INDEX users_departing ON users (deleted_at, id) WHERE is_departing = 1;

ALTER TABLE sessions ADD COLUMN ends_at INTEGER; -- beyond which no use moves its end
-- Ended before its hard end, until when its token is kept: it opens no session any more.
ALTER TABLE sessions ADD COLUMN is_ended INTEGER NOT NULL DEFAULT 0;

CREATE INDEX sessions_by_user ON sessions (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE resets (
    token_hash BLOB NOT NULL PRIMARY KEY, -- blake3 of the token's 40 hex digits
    user_id INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX resets_by_user ON resets (user_id, ends_at);
CREATE INDEX resets_by_end ON resets (ends_at);
