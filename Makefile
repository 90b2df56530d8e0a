# Hansard's commands. Each is a line or two; what is longer is a file in infra/.

.DEFAULT_GOAL := help
.PHONY: help run test check fmt-check clippy doc deny layering bench fuzz chaos containers fmt

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-10s %s\n", $$1, $$2 }'

run: ## build in release and serve on embedded stores in ./data, on 127.0.0.1:8080
	cargo run --release --locked --package hansard -- serve

test: ## run every test, on real engines, and hold what they prove against the API's rules
	infra/test

check: fmt-check clippy doc deny layering test ## all that a change must pass

fmt-check: ## is everything formatted?
	cargo fmt --all --check

clippy: ## lints, none of them allowed to warn
	cargo clippy --workspace --all-targets --locked -- --deny warnings

doc: ## the documentation of every public item, without a broken link
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --locked

deny: ## licences, bans, sources and advisories of what we build on
	infra/deny.sh

layering: ## which crate may use which, and the rules of the source
	cargo test --locked --package tests --test layering

bench: ## measure, and print each figure as a ratio to its ceiling
	infra/bench

fuzz: ## throw bytes at every parser for a minute each, and hold what they read against laws
	infra/fuzz

chaos: ## let everything go wrong in a cluster on this machine, and judge what its clients saw
	infra/chaos

containers: ## check Dockerfile and compose.yaml, without an engine that runs them
	infra/containers.sh

fmt: ## format everything
	cargo fmt --all
