# mailbackend: the targets that people and CI use. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
BIN := bin
TOOLS := hack/tools

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/mailbackend
	@CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/mailbackend ./cmd/mailbackend

.PHONY: demo
demo: build ## Deliver, read, kill, recover: the main job, seen (KEEP=1 leaves it running)
	@KEEP=$(KEEP) $(GO) run ./test/demo -binary $(BIN)/mailbackend

.PHONY: test
test: ## Every test: unit, race, real S3 server, real mail clients (installs Debian packages it needs)
	@hack/test.sh

.PHONY: race
race: ## Unit tests with the race detector
	@$(GO) test -race ./...

.PHONY: sim
sim: ## The simulation: N histories (default 20000) from SEED (default 1) on; prints seed and smallest history of a failure
	@$(GO) test ./test/sim -count=1 -v -timeout 0 -run 'TestSim$$' -sim.n $(or $(N),20000) -sim.seed $(or $(SEED),1)

.PHONY: fuzz
fuzz: ## Every fuzzer for FUZZTIME (default 10s) each
	@hack/fuzz.sh

.PHONY: bench
bench: build ## Speed and cost; PEER=dovecot measures Debian's Dovecot beside it
	@PEER=$(PEER) hack/bench.sh

.PHONY: verify
verify: format lint docs ## Format, lint, docs; the tree must be clean afterwards
	@test -z "$$(git status --porcelain)" || { echo "make verify changed files or found uncommitted ones:"; git status --short; exit 1; }

.PHONY: format
format: ## gofmt and go mod tidy
	@gofmt -l -w api backend cmd controllers hack test
	@$(GO) mod tidy
	@cd test/s3 && $(GO) mod tidy

.PHONY: lint
lint: ## golangci-lint (with the import arrows), file lengths
	@hack/filelength.sh
	@mkdir -p $(BIN)
	@cd $(TOOLS) && $(GO) build -o ../../$(BIN)/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@$(BIN)/golangci-lint run ./...

.PHONY: vuln
vuln: ## Known vulnerabilities in what is linked in (asks the vulnerability database)
	@cd $(TOOLS) && $(GO) build -o ../../$(BIN)/govulncheck golang.org/x/vuln/cmd/govulncheck
	@$(BIN)/govulncheck ./...

.PHONY: docs
docs: build ## Generated documentation: docs/configuration.yaml
	@$(BIN)/mailbackend config > docs/configuration.yaml

.PHONY: clean
clean: ## Remove what was built
	@rm -rf $(BIN)
