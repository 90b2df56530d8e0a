-- Users that are deleted or disabled, guests, users of identity providers, resets of passwords, and
-- sessions with a hard end. Times are milliseconds since 1970.

ALTER TABLE identity.users
    ADD COLUMN provider_key text, -- as whom an identity provider knows him
    ADD COLUMN disabled_at bigint, -- since when he may not sign in
    ADD COLUMN ends_at bigint, -- when a guest is deleted
    ADD COLUMN deleted_at bigint, -- a tombstone: nothing of him is left but numbers and times
    ADD COLUMN is_departing boolean NOT NULL DEFAULT false; -- deleted, and dialogs may still hold him

CREATE UNIQUE INDEX users_by_provider_key ON identity.users (provider_key) WHERE provider_key IS NOT NULL;
CREATE INDEX users_by_end ON identity.users (ends_at) WHERE ends_at IS NOT NULL;
CREATE INDEX users_departing ON identity.users (deleted_at, id) WHERE is_departing;

ALTER TABLE identity.sessions
    ADD COLUMN ends_at bigint, -- beyond which no use moves its end
    -- Ended before its hard end, until when its token is kept: it opens no session any more.
    ADD COLUMN is_ended boolean NOT NULL DEFAULT false;

CREATE INDEX sessions_by_user ON identity.sessions (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE identity.resets (
    token_hash bytea NOT NULL PRIMARY KEY, -- blake3 of the token's 40 hex digits
    user_id bigint NOT NULL,
    ends_at bigint NOT NULL
);

CREATE INDEX resets_by_user ON identity.resets (user_id, ends_at);
CREATE INDEX resets_by_end ON identity.resets (ends_at);

-- Users who changed are told of in the same order as ended sessions. Such a row's token is nobody's:
-- zeros, for whoever knows the older format and reads it as a token.
ALTER TABLE identity.ended ADD COLUMN user_id bigint;
