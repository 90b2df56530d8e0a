#!/bin/sh
# Checks what Hansard is built on against deny.toml. Called by `make deny`.
# Advisories need a database from the network. Without it the rest is checked, and the
# last line says what was not.
set -eu
cd "$(dirname "$0")/.."

if ! cargo deny --version >/dev/null 2>&1; then
    echo 'cargo-deny is missing. Install it with: cargo install cargo-deny --locked' >&2
    exit 1
fi

cargo deny --locked check --hide-inclusion-graph bans licenses sources

if problem=$(cargo deny fetch db 2>&1); then
    cargo deny --locked check --hide-inclusion-graph advisories
else
    echo "$problem" >&2
    echo 'ADVISORIES WERE NOT CHECKED: their database cannot be fetched (above). Repeat `make deny` with a network.' >&2
fi
