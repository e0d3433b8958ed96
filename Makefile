# make            builds build/ngx_http_image_gate_module.so and build/image-gate
# make help       lists the rest

# Not called NGINX: nginx itself takes that for inherited sockets, and stays in the foreground.
NGINX_BINARY  ?= $(shell PATH="$$PATH:/usr/sbin" command -v nginx || echo /usr/sbin/nginx)
MODULE        := ngx_http_image_gate_module.so
# With BUNDLED=yes all libraries of C are compiled in: docs/operations.md.
BUNDLED       ?=
CARGO_FLAGS   ?= --locked $(if $(BUNDLED),--features bundled)
export NGINX_BINARY

# Without a value, the Debian nginx that is installed is what to build for.
ifdef NGINX_BUILD_DIR
override NGINX_BUILD_DIR := $(abspath $(NGINX_BUILD_DIR))
else
NGINX_BUILD_DIR := $(abspath build/nginx/objs)
DEBIAN_NGINX    := yes
endif
export NGINX_BUILD_DIR
# Only where configure was given a --builddir that is not in the sources.
ifdef NGINX_SOURCE_DIR
export NGINX_SOURCE_DIR
endif

# By rename: a file that a running nginx has mapped must not be written to.
put = install -D -m $(1) $(2) $(3).$$$$ && mv -f $(3).$$$$ $(3)

.PHONY: build
build: headers ## build the module and the command-line program
	cargo build --release --workspace $(CARGO_FLAGS)
	@$(call put,644,target/release/lib$(MODULE),build/$(MODULE))
	@$(call put,755,target/release/image-gate,build/image-gate)
	@echo "built build/$(MODULE) and build/image-gate"

.PHONY: headers
headers:
	@scripts/install-deps build $(if $(BUNDLED),bundled) $(if $(DEBIAN_NGINX),nginx)
	@$(if $(DEBIAN_NGINX),scripts/nginx-headers build/nginx)
	@test -e $(NGINX_BUILD_DIR)/ngx_auto_config.h || \
	  { echo "make: no configured nginx in $(NGINX_BUILD_DIR)" >&2; exit 1; }
	@test -e $(or $(NGINX_SOURCE_DIR),$(NGINX_BUILD_DIR)/..)/src/core/nginx.h || \
	  { echo "make: no sources of nginx in $(or $(NGINX_SOURCE_DIR),$(abspath $(NGINX_BUILD_DIR)/..)); name them: make NGINX_BUILD_DIR=... NGINX_SOURCE_DIR=..." >&2; exit 1; }

.PHONY: demo
demo: build ## start nginx with the playground at port 8080 or the next that is free, or LISTEN=[ADDRESS:]PORT; stop on Ctrl-C
	@scripts/install-deps demo
	@scripts/photos demo
	@scripts/demo $(if $(LISTEN),--listen $(LISTEN))

.PHONY: demo-check
demo-check: build ## start the demo, verify every answer, stop
	@scripts/install-deps demo
	@scripts/photos demo
	@scripts/demo --check

.PHONY: check-playground
check-playground: build ## click through the playground in Chromium, axe-core from npm looking on
	@scripts/install-deps test clients
	@scripts/photos demo
	@scripts/check-playground

.PHONY: check-dashboards
check-dashboards: ## compare the dashboards with Grafana's own types of them, from npm
	@scripts/install-deps clients
	@scripts/check-dashboards

.PHONY: test
test: headers ## all tests; make test T=t/resize.t runs one file
	@scripts/install-deps test
ifndef T
	@# With what is installed in one call, so that the long crates are compiled beside their tests.
	cargo build --release --workspace $(CARGO_FLAGS) --lib --bins --examples --tests
endif
	@$(MAKE) --no-print-directory build
ifndef T
	cargo test --release $(CARGO_FLAGS) --workspace
	@scripts/check-damaged
	@benches/instructions
	@scripts/photos demo
	@scripts/check-examples
	@scripts/demo --check
endif
	@scripts/prove $(T)

.PHONY: cache-faults
cache-faults: build ## answers of image_resize_cache while processes are killed and the disk is full, for SECONDS (60)
	@scripts/install-deps demo
	@scripts/photos demo
	@scripts/cache-faults $(or $(SECONDS),60)

.PHONY: s3
s3: build ## t/image_gate_s3.t in front of s3s-fs, a server of others, which cargo installs into build/tools
	@scripts/install-deps test
	@scripts/s3s-fs
	@TEST_NGINX_IMAGE_GATE_S3S=$(CURDIR)/build/tools/bin/s3s-fs scripts/prove t/image_gate_s3.t

.PHONY: jxl
jxl: build ## JPEGs to JPEG XL and back by djxl, to the byte, beside cjxl; files of cjxl against djxl
	@scripts/install-deps demo test
	@scripts/photos demo
	@scripts/check-jxl

.PHONY: hdr
hdr: build ## gain maps beside libultrahdr, which pip installs into build/libultrahdr; PQ and HLG beside Chromium
	@scripts/install-deps hdr demo test
	@scripts/photos demo
	@scripts/check-hdr

.PHONY: iiif
iiif: build ## the validator of the IIIF Image API, which pip installs into build/iiif-validator
	@scripts/install-deps iiif
	@scripts/check-iiif

.PHONY: clients
clients: build ## links that clients of other servers and signers of CDNs make, from npm and PyPI, and OpenSeadragon
	@scripts/install-deps test clients
	@scripts/check-clients
	@scripts/prove t/viewer.t

.PHONY: beside
beside: build ## thumbor and ipx beside nginx, asked for the same links: LINKS (300) of each
	@scripts/install-deps demo beside
	@scripts/check-beside

.PHONY: links
links: ## links of other servers, 100000 mutated ones of each, through what reads them
	IMAGE_GATE_LINKS=100000 cargo test --release $(CARGO_FLAGS) -p image-gate-core --lib dialect::tests::random

.PHONY: test-panic
test-panic: build ## t/panic.t, with a module that panics where it is told to
	cargo build --release $(CARGO_FLAGS) -p ngx-http-image-gate-module --features test-panic
	@$(call put,644,target/release/lib$(MODULE),build/test-panic/$(MODULE))
	@TEST_NGINX_PANIC=1 TEST_NGINX_LOAD_MODULES=$(CURDIR)/build/test-panic/$(MODULE) scripts/prove t/panic.t

.PHONY: matrix
matrix: headers ## the tests under other nginx, built from Debian's sources or those in NGINX_SOURCES: scripts/matrix says which
	@scripts/install-deps test matrix
	@scripts/matrix

.PHONY: features
features: headers ## builds that have one format of those that can be left out, or none, and one with all libraries of C; SIZES=1 measures
	@scripts/install-deps bundled
	@scripts/check-features $(if $(SIZES),--sizes)

.PHONY: lint
lint: headers ## rustfmt, clippy, layers, docs/architecture.md, cargo-deny, syntax of the scripts and tests
	@scripts/install-deps lint test
	@scripts/lint

.PHONY: bench
bench: build ## compare with image_filter, libvips, sharp and secure_link; WRITE=1 puts the tables into docs/benchmarks.md
	@scripts/install-deps bench
	@scripts/photos bench
	cargo build --release $(CARGO_FLAGS) -p image-gate-core --examples
	@benches/run $(if $(WRITE),--write)
	@benches/peers $(if $(WRITE),--write)
	@benches/servers $(if $(WRITE),--write)
	@benches/notmodified $(if $(WRITE),--write)
	@benches/cache $(if $(WRITE),--write)
	@benches/instructions $(if $(WRITE),--write)
	@benches/keys $(if $(WRITE),--write)
	@benches/links $(if $(WRITE),--write)
	@benches/turns $(if $(WRITE),--write)
	@benches/memory
	cargo bench --quiet $(CARGO_FLAGS) -p image-gate-core -- $(abspath build/photos/bench)/*.jpg

.PHONY: fuzz
fuzz: ## fuzz every target of fuzz/ for SECONDS (60); make fuzz T=probe takes one
	@scripts/install-deps fuzz
	@scripts/fuzz $(or $(SECONDS),60) $(T)

.PHONY: photos
photos: ## the pictures of the demo and the benchmarks, in build/photos
	@scripts/install-deps photos
	@scripts/photos demo
	@scripts/photos bench

.PHONY: dist
dist: ## build/dist: sources with their crates, SHA256SUMS, SBOM, NOTICE; make dist CHECK=1 makes it twice and compares
	@scripts/dist $(if $(CHECK),--check)

.PHONY: deb
deb: ## build/*.deb for this Debian, looked at by lintian; make deb DIST=trixie builds for another in a debootstrap
	@scripts/install-deps build nginx deb
	@scripts/build-deb $(DIST)

.PHONY: check-deb
check-deb: ## install what `make deb` left into a clean Debian, have its nginx answer, purge; DIST as above
	@scripts/install-deps deb
	@scripts/check-deb $(DIST)

.PHONY: example-pictures
example-pictures: build ## the pictures of docs/image-resize.md, as their texts say
	@scripts/install-deps test
	@scripts/example-pictures

.PHONY: notice
notice: ## write NOTICE, the licences of what is linked in
	@scripts/notice

# Asked for once, by the targets that need it; empty where the module does not fit.
MODULES_PATH   = $(eval MODULES_PATH := $(shell scripts/nginx-fits $(NGINX_BINARY) build/$(MODULE)))$(MODULES_PATH)
MODULES_AVAIL := /usr/share/nginx/modules-available
MODULE_CONF   := $(MODULES_AVAIL)/mod-http-image-gate.conf
PREFIX        ?= /usr/local

.PHONY: install
install: ## put what `make` built into nginx's modules folder and below PREFIX, /usr/local (DESTDIR is honoured)
	@test -e build/$(MODULE) || { echo "make: run make first" >&2; exit 1; }
	@test -n "$(MODULES_PATH)"
	@scripts/install-module build/$(MODULE) $(DESTDIR)$(MODULES_PATH)
	@$(call put,644,examples/s3_params,$(DESTDIR)$(MODULES_PATH)/s3_params)
	@echo "installed $(DESTDIR)$(MODULES_PATH)/$(MODULE), and s3_params beside it"
	@scripts/install-program build/image-gate $(DESTDIR)$(PREFIX)
	@echo "installed $(DESTDIR)$(PREFIX)/bin/image-gate"
ifneq ($(wildcard $(MODULES_AVAIL)),)
	@mkdir -p $(DESTDIR)$(MODULES_AVAIL)
	@echo 'load_module modules/$(MODULE);' > $(DESTDIR)$(MODULE_CONF)
	@echo "load it with: ln -s $(MODULE_CONF) /etc/nginx/modules-enabled/60-mod-http-image-gate.conf"
else
	@echo "load it with: load_module $(MODULES_PATH)/$(MODULE);"
endif

.PHONY: uninstall
uninstall: ## remove what `make install` installed
	rm -f $(addprefix $(DESTDIR)$(shell scripts/nginx-fits $(NGINX_BINARY))/,$(MODULE) $(MODULE).debug s3_params) \
	  $(DESTDIR)$(MODULE_CONF) $(DESTDIR)/etc/nginx/modules-enabled/60-mod-http-image-gate.conf
	@scripts/install-program --remove $(DESTDIR)$(PREFIX)

.PHONY: check-install
check-install: ## `make install` and `make uninstall` of what `make` built, into a folder
	@scripts/check-install

.PHONY: clean
clean: ## remove everything that was built or fetched
	rm -rf build target

.PHONY: help
help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14
	@echo
	@echo 'NGINX_BUILD_DIR=/path/to/objs builds for another nginx; NGINX_SOURCE_DIR names its'
	@echo 'sources where they are not above that folder.'
