-- Users and sessions. Times are milliseconds since 1970.

CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL -- the last number issued; never goes back
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, last) VALUES ('user', 0), ('session', 0);

CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY,
    login TEXT,
    login_key TEXT UNIQUE, -- canonical form of login
    email TEXT,
    email_key TEXT UNIQUE, -- canonical form of email
    password_hash TEXT, -- PHC string; without one no password opens a session
    full_name TEXT,
    phone TEXT,
    website TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_request_at INTEGER,
    external_user_id TEXT,
    external_id TEXT,
    facebook_id TEXT,
    twitter_id TEXT,
    blob_id INTEGER,
    custom_data TEXT,
    avatar TEXT,
    user_tags TEXT, -- joined with commas
    timezone INTEGER, -- minutes east of UTC
    is_guest INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE sessions (
    id INTEGER NOT NULL PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE, -- blake3 of the token's 40 hex digits
    user_id INTEGER, -- none: the application's own session
    application_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_end ON sessions (expires_at);
