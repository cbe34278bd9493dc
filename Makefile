# Two commands matter: `make run` shows Portcullis at work, `make test` checks everything.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
ENV := . scripts/env.sh

.PHONY: help run build release dashboard test fuzz bench evaluate experiment ablation tools model fmt lint deny setup clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build the release binary and watch the demo on http://127.0.0.1:8600
	@$(ENV); exec "$$CARGO_TARGET_DIR/release/portcullis" demo $(ARGS)

build: ## the release binary with the dashboard in it
	@scripts/setup.sh build
	@scripts/dashboard.sh build
	@$(ENV); cargo build --release --locked -p portcullis

release: ## the release binary, optimised by a profile of what it does most: twice the time, a tenth more speed
	@scripts/setup.sh build
	@scripts/dashboard.sh build
	@scripts/release.sh

dashboard: ## build the dashboard (needs Node)
	@scripts/dashboard.sh build

test: ## everything: Rust, dashboard, fuzz smoke; starts real brokers, databases and gateways
	@scripts/setup.sh test
	@scripts/dashboard.sh build
	@$(ENV); cargo test --workspace --locked
	@scripts/dashboard.sh test
	@scripts/fuzz.sh

fuzz: ## every fuzz target, FUZZ_SECONDS=20 each
	@scripts/fuzz.sh $(FUZZ_SECONDS)

bench: ## benchmarks; every format; scan beside GoAccess and fail2ban; Kafka beside a bare consumer; memory; bouncers beside CrowdSec; until a block holds
	@scripts/setup.sh bench
	@$(ENV); cargo bench --workspace --locked
	@# All of them, also when one falls below its floor.
	@failed=; for part in formats scan kafka memory bouncers effect; do \
	  printf '\n=== %s\n' "$$part"; "scripts/bench-$$part.sh" || failed="$$failed $$part"; \
	done; test -z "$$failed" || { echo "below its floor, or broken:$$failed" >&2; exit 1; }

evaluate: ## detection against labelled logs: make evaluate DATA=folder
	@test -n "$(DATA)" || { echo "say where the data is: make evaluate DATA=folder" >&2; exit 2; }
	@scripts/setup.sh build
	@scripts/evaluate.sh "$(DATA)"

experiment: ## detection on simulated traffic drawn from a commit's name: make experiment ARGS="--commit NAME"
	@scripts/setup.sh build
	@scripts/experiment.sh $(ARGS)

ablation: ## what each feature is worth to the model: writes docs/features.md
	@scripts/setup.sh build
	@$(ENV); cargo build -q --workspace --locked --examples
	@$(ENV); "$$CARGO_TARGET_DIR/debug/examples/ablation" $(ARGS) >docs/features.md.new && mv docs/features.md.new docs/features.md

tools: ## detection of real attack tools, in a network of its own: make tools KEEP=folder (needs root)
	@scripts/tools.sh $(if $(KEEP),--keep "$(KEEP)")

model: ## train the shipped model anew: make model NAME=2026-11-25-1
	@test -n "$(NAME)" || { echo "name the model: make model NAME=2026-11-25-1" >&2; exit 2; }
	@rm -f models/shipped/model.partial
	@$(ENV); cargo run -q --locked -p portcullis -- train --out models/shipped/model.bin --name "$(NAME)" $(ARGS)
	@rm -f models/shipped/model.bin.1

fmt: ## format the Rust code
	@$(ENV); cargo fmt

lint: ## clippy, warnings as errors
	@$(ENV); cargo clippy --workspace --all-targets --locked -- -D warnings

deny: ## licences, sources, duplicate and vulnerable dependencies
	@scripts/deny.sh

setup: ## install what building and testing need
	@scripts/setup.sh test

clean: ## remove build outputs, keep downloads
	@$(ENV); cargo clean
