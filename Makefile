# Targets with a "##" comment are listed by a bare `make`.
NODE_BIN := node_modules/.bin
.DEFAULT_GOAL := help
.PHONY: help setup fmt lint types check integration e2e test docs bench

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

VITEST := $(NODE_BIN)/node node_modules/vitest/vitest.mjs run

docs: ## write the generated reference pages anew
	./tools/node tools/phase-table.ts
	./tools/node tools/cli-reference.ts
	./tools/node tools/datastores-reference.ts
	./tools/node tools/elements-reference.ts
	./tools/node tools/normalise-reference.ts
	./tools/node tools/trove-cli-reference.ts
	./tools/node tools/error-reference.ts
	./tools/node tools/settings-reference.ts
	./tools/node tools/openapi-reference.ts

check: lint types ## everything that is fast: format, lint, types, unit, contract, golden, architecture
	$(VITEST) --project fast

integration: ## whole builds of a tiny OS (root, no network)
	$(VITEST) --project integration

e2e: ## real packages, real images, real boots (root, package mirror)
	$(VITEST) --project e2e

test: ## set up and run all tests
	./tools/test

bench: ## our build beside real DIB's and bare mmdebstrap's, one table (several minutes)
	./tools/node test/bench/build.ts
