# SPDX-License-Identifier: GPL-2.0
#
# Carapace
#
#   make                  the module, for the running kernel (KDIR= for another)
#   make carapacectl      the tool, userspace/build/carapacectl
#   make demo             see it work, in an emulated machine
#   make test             the tests, in emulated machines
#   make test-all         those that take long, too
#   make unit             only the unit tests of the host
#   make bench            what it costs, in emulated machines
#   make check            only style, headers, and the wall between the halves

KDIR ?= /lib/modules/$(shell uname -r)/build
DESTDIR ?=

all: modules

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

carapacectl:
	$(MAKE) -C userspace

# The same sources, with the hooks that tests need to make things go wrong
TESTING := $(CURDIR)/.testing

testing-module:
	mkdir -p $(TESTING)
	cp -a -u Kbuild module protect vmx scripts $(TESTING)/
	$(MAKE) -C $(KDIR) M=$(TESTING) CARAPACE_TESTING=1 modules

# What the emulated machine gets (scripts/lab build)
guest: modules testing-module carapacectl
	$(MAKE) -C userspace install DESTDIR=$(DESTDIR) prefix=/usr
	install -D -m 644 carapace.ko $(DESTDIR)/root/carapace.ko
	install -D -m 644 $(TESTING)/carapace.ko \
		$(DESTDIR)/root/carapace-testing.ko
	$(MAKE) -C tests/guest KDIR=$(KDIR)
	$(MAKE) -C tests/guest KDIR=$(KDIR) install DESTDIR=$(DESTDIR)

unit:
	scripts/test unit

check:
	scripts/test style wall pages

demo:
	scripts/demo

bench:
	scripts/bench

test:
	scripts/test

test-all:
	scripts/test --all

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean
	$(MAKE) -C userspace clean
	rm -rf $(TESTING)

.PHONY: all modules carapacectl testing-module guest unit check demo bench test test-all clean
