# Targets with a "##" comment are listed by a bare `make`.
NODE_BIN := node_modules/.bin
.DEFAULT_GOAL := help
.PHONY: help setup fmt lint types check test integration e2e all bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what this machine lacks (Debian packages, npm packages, Node 24)
	./tools/setup

fmt: ## format the sources
	$(NODE_BIN)/biome check --write .

lint: ## format and lint rules, without changing anything
	$(NODE_BIN)/biome check --error-on-warnings .

types: ## TypeScript's checks
	$(NODE_BIN)/tsc

check: lint types ## everything that is fast: format, lint, types, unit, contract, golden, architecture
	$(NODE_BIN)/node $(NODE_BIN)/../vitest/vitest.mjs run --project fast

integration: ## whole builds of a tiny OS (root, no network)
	$(NODE_BIN)/node $(NODE_BIN)/../vitest/vitest.mjs run --project integration

e2e: ## real packages, real images, real boots (root, package mirror)
	$(NODE_BIN)/node $(NODE_BIN)/../vitest/vitest.mjs run --project e2e

test: check integration e2e ## all tests
