# A thin front to CMake's presets: each target installs what it needs, builds and runs.
# `make help` lists them. Debian 12, as root or with sudo; nothing else has to be set up.

JOBS   ?= $(shell nproc)
PREFIX ?= /usr/local
CONFIG ?= etc/nexus.json
FUZZ_SECONDS ?= 60
# More arguments of tools/stress.py, for example STRESS='-R T-31 --rounds 10'.
STRESS ?=
CTEST  := ctest --output-on-failure --no-tests=error --parallel $(JOBS)
# Suites that are not for every change: other people's clients, and measurements.
SLOW   := interop|bench|soak
SHELL  := /bin/bash
.SHELLFLAGS := -ec
# BUILD,<preset>[,<arguments of the configure step>[,<prefix of the build command>]]
BUILD  = umask 022; cmake --preset $(1) $(2) && $(3) cmake --build --preset $(1) --parallel $(JOBS)

# Plugins that the group may write are refused at start, and many a umask lets it: this shell's, or
# that of whoever ran CMake by hand before.
SAFE   = chmod -f go-w build/$(1)/plugins build/$(1)/plugins/*.so

# The sanitizers want their shadow memory where recent kernels may have put something by chance.
FIXED  := $(shell setarch $$(uname -m) -R true 2>/dev/null && echo setarch $$(uname -m) -R)

# Nobody tests this build, and linking every test with link-time optimisation takes very long.
RELEASE := -DNEXUS_TESTS=OFF

.DEFAULT_GOAL := help
.PHONY: help run test stress bench build check lint format docs asan tsan fuzz interop install clean deps

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

# The dev preset, and of it only the daemon and its plugins: that is the quickest way from a clone
# to a running router, and `make test` goes on from the same objects. `make build` optimises.
run: ## build what is needed and start a router on loopback
	@tools/install-deps.sh build
	@$(call BUILD,dev) --target nexusd
	@$(call SAFE,dev)
	@exec build/dev/nexusd/nexusd -c $(CONFIG) --plugin-dir $(CURDIR)/build/dev/plugins

test: ## build everything and run the tests
	@tools/install-deps.sh build test
	@$(call BUILD,dev)
	@$(call SAFE,dev)
	@$(CTEST) --test-dir build/dev -LE '$(SLOW)'

stress: ## every test in eight copies at once, three times over
	@tools/install-deps.sh build test
	@$(call BUILD,dev)
	@$(call SAFE,dev)
	@tools/stress.py build/dev -LE '$(SLOW)|lint' $(STRESS)

build: ## the optimised build, in build/release
	@tools/install-deps.sh build
	@$(call BUILD,release,$(RELEASE))

bench: ## measure the optimised build
	@tools/install-deps.sh build bench
	@$(call BUILD,release,$(RELEASE))
	@bench/run.sh
	@build/release/bench/nexus-bench-joins --seconds 0.5

lint: ## include directions, file sizes, formatting, documentation
	@tools/install-deps.sh build test
	@$(call BUILD,dev) --target nexusd
	@$(CTEST) --test-dir build/dev -L lint

check: lint

format: ## rewrite the sources as clang-format wants them
	@tools/install-deps.sh test
	@python3 tests/lint/check_format.py --fix

docs: ## write docs/configuration.md anew from the option tables
	@tools/install-deps.sh build
	@$(call BUILD,dev) --target nexusd
	@build/dev/nexusd/nexusd --describe-config --plugin-dir $(CURDIR)/build/dev/plugins \
	  > docs/configuration.md.new && mv docs/configuration.md.new docs/configuration.md

asan: ## the tests under the address and undefined-behaviour sanitizers
	@tools/install-deps.sh build test
	@$(call BUILD,asan,,$(FIXED))
	@$(FIXED) $(CTEST) --test-dir build/asan -LE '$(SLOW)|lint|abi'

tsan: ## the tests under the thread sanitizer
	@tools/install-deps.sh build test
	@$(call BUILD,tsan,,$(FIXED))
	@TSAN_OPTIONS="ignore_noninstrumented_modules=1 $$TSAN_OPTIONS" \
	  $(FIXED) $(CTEST) --test-dir build/tsan -LE '$(SLOW)|lint|abi'

fuzz: ## every fuzz target for FUZZ_SECONDS (60) each
	@tools/install-deps.sh build test
	@CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) tests/fuzz/run.sh $(FUZZ_SECONDS)

interop: ## other people's clients against this router
	@tools/install-deps.sh build test
	@$(call BUILD,dev)
	@$(CTEST) --test-dir build/dev -L interop

install: build ## install the optimised build below PREFIX (/usr/local)
	@umask 022; cmake --install build/release --prefix $(PREFIX)

deps: ## install all Debian packages that any target needs
	@tools/install-deps.sh build test bench

clean: ## remove every build
	@rm -rf build
