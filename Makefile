# Every target first does the set-up that is due (docs/bootstrap.md); repeated, that takes no time.
PYTHON ?= python3
STACK ?= local
ARGS ?=
bootstrap := $(PYTHON) bootstrap

.DEFAULT_GOAL := help
.PHONY: help up preview down test check

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo 'STACK=dev chooses another stack than local; ARGS="…" is handed on to pulumi or pytest.'

up: ## Bring the stack up; `local` with its own Google Cloud, which is left running
	@$(bootstrap) up --stack $(STACK) -- $(ARGS)

preview: ## Show what `make up` would change: make preview ARGS="--diff"
	@$(bootstrap) preview --stack $(STACK) -- $(ARGS)

down: ## Destroy the stack; of `local` nothing is left (FORCE=1: even if the destroy fails)
	@$(bootstrap) down --stack $(STACK) $(if $(FORCE),--force) -- $(ARGS)

test: ## Run every test: make test ARGS="tests/specs -x"
	@$(bootstrap) run -- pytest $(ARGS)

check: ## Check format, lint, types, imports between rooms, and SQL
	@$(bootstrap) check
