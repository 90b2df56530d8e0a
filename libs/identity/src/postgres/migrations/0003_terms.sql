-- Under which keys users are found. Made anew with every change of a user, for his login (1), email (2),
-- full name (3), phone (4), external user id (5), external id (6), Facebook id (7), Twitter id (8) and
-- each of his tags (9).

CREATE TABLE identity.terms (
    field smallint NOT NULL,
    key text COLLATE "C" NOT NULL, -- canonical form, at most 1,024 bytes; by its bytes, so that a beginning is a range
    user_id bigint NOT NULL,
    PRIMARY KEY (field, key, user_id)
);

CREATE INDEX terms_by_user ON identity.terms (user_id);

-- How many users there are.
CREATE INDEX users_there ON identity.users (id) WHERE deleted_at IS NULL;

-- Up to which user all are known to have terms: whoever was stored by an older version has none yet.
INSERT INTO identity.counters (name, last) VALUES ('terms', 0);
