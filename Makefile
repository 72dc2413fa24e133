# Every target does its own set-up. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

INSTALLED := node_modules/.package-lock.json

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): package-lock.json package.json crds/package.json gateway/package.json gateway/verifier/package.json operator/package.json test/package.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $(INSTALLED)

.PHONY: build
build: $(INSTALLED) ## Compile every workspace
	npm run --silent build

.PHONY: demo
demo: build ## The whole story on loopback; ONCE=1 exits when it is told
	npm run --silent demo -- $(if $(ONCE),--once)

.PHONY: test
test: build redis ## Everything that needs no foreign toolchain (under ten minutes on two cores)
	@mkdir -p .cache && rm -f .cache/tests.json
	npm test --silent -- --json --outputFile=.cache/tests.json || true
	@npm run --silent tally -- .cache/tests.json

.PHONY: test-all
test-all: test python browser go jdbc s3 faults ## `make test`, then drivers of other languages and a real browser, lint and drift
	@rm -f .cache/foreign.json
	PISTE_FOREIGN=1 npm test --silent -- --json --outputFile=.cache/foreign.json || true
	$(MAKE) --no-print-directory lint verify
	@npm run --silent tally -- .cache/tests.json .cache/foreign.json

.PHONY: redis
redis: # Finds redis-server or installs it; says so when it cannot
	@command -v redis-server >/dev/null || { echo 'redis-server is missing, installing it'; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server >/dev/null; } || \
	  { echo 'REDIS IS MISSING: the store suites will fail. Install redis-server and try again.' >&2; exit 1; }; }

# $(call needs,command,package): finds a command or installs its package; says so when it cannot.
needs = @command -v $(1) >/dev/null || { echo '$(1) is missing, installing $(2)'; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(2) >/dev/null; } || \
	  { echo '$(1) IS MISSING: its suites would fail. Install it and try again.' >&2; exit 1; }; }

.PHONY: python
python: build # The Python driver, SQLAlchemy and the snow command in virtual environments of their own
	@python3 -c 'import ensurepip' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; }
	@npm run --silent set-up-python --workspace test

.PHONY: browser
browser: # Chromium, for the console
	$(call needs,chromium,chromium)

.PHONY: go
go: # Both major versions of the Go driver and the second verifier, compiled before the clock of a test runs
	$(call needs,go,golang-go)
	@cd test/go-verifier && GOFLAGS='-mod=readonly -buildvcs=false' go test -vet=off -run '^$$' ./... >/dev/null
	@cd test/go && GOFLAGS=-mod=readonly go test -vet=off -run '^$$' ./... >/dev/null

.PHONY: s3
s3: .cache/s3/versitygw # An S3 server with Object Lock, for the archive

.cache/s3/versitygw: test/s3/go.mod test/s3/go.sum
	$(call needs,go,golang-go)
	@echo 'compiling an S3 server (some minutes, once)'
	@cd test/s3 && GOFLAGS='-mod=readonly -buildvcs=false' go build -o $(CURDIR)/$@ github.com/versity/versitygw/cmd/versitygw

# The releases of which the suite asks for the jars, too.
JDBC_VERSIONS := 4.4.1 3.24.2

.PHONY: jdbc
jdbc: $(JDBC_VERSIONS:%=.cache/jdbc/%) # Both major versions of the JDBC driver
	$(call needs,java,default-jdk-headless)

.cache/jdbc/%:
	$(call needs,mvn,maven)
	@echo 'fetching the JDBC driver $*'
	@mvn --quiet --batch-mode --file test/jdbc/pom.xml dependency:copy-dependencies -Djdbc.version=$* -DoutputDirectory=$(CURDIR)/$@ || { rm -rf $@; exit 1; }

.PHONY: faults
faults: # What makes system calls of the recording fail, and what auditors read its keys with
	$(call needs,strace,strace)
	$(call needs,age,age)

.PHONY: torture
torture: build faults ## The recording under kills, power loss and every flipped bit, and all that draws by chance, at length and from a random seed (over an hour)
	PISTE_TORTURE=1 PISTE_SEED=$(or $(SEED),random) npm test --silent -- 'recording|verifier|registry|detection|oracle|differential' -w 1
	PISTE_TORTURE=1 PISTE_SEED=$(or $(SEED),random) PISTE_FOREIGN=1 npm test --silent -- 'recording|verifier' -w 1

.PHONY: lint
lint: $(INSTALLED) ## Format, faults, and the room table
	npm run --silent lint

.PHONY: format
format: $(INSTALLED) ## Rewrite files in the project's format
	npm run --silent format

.PHONY: generate
generate: build ## Types and CRD manifests from crds/schemas
	npm run --silent generate --workspace crds

.PHONY: verify
verify: build ## Fail when a generated file differs from its source
	npm run --silent verify --workspace crds

.PHONY: bench
bench: build ## Added latency and CPU per request beside nginx, same run
	npm run --silent bench

.PHONY: fuzz
fuzz: build ## Two parsers and the execution oracle on random statements; SEED=number, SECONDS=number (default 300)
	@node_modules/.bin/node --no-warnings test/dist/differential/fuzz.js $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: clean
clean: ## Remove what was built and cached
	rm -rf {crds,gateway,operator,test}/dist .cache
