-- Under which keys users are found. Made anew with every change of a user, for his login (1), email (2),
-- full name (3), phone (4), external user id (5), external id (6), Facebook id (7), Twitter id (8) and
-- each of his tags (9).

CREATE TABLE terms (
    field INTEGER NOT NULL,
    key TEXT NOT NULL, -- canonical form, at most 1,024 bytes
    user_id INTEGER NOT NULL,
    PRIMARY KEY (field, key, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX terms_by_user ON terms (user_id);

-- How many users there are.
CREATE INDEX users_by_deletion ON users (deleted_at);

-- There for as long as users may have no terms yet.
INSERT INTO counters (name, last) VALUES ('terms missing', 0);
