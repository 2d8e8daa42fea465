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
#   make install          module, tool, what loads the module at boot; to
#                         $(DESTDIR), and what is no module to $(prefix) there
#   make uninstall        the other way round
#   make install-dkms     the module's sources, for "dkms install" to build
#   make uninstall-dkms   takes them away, behind "dkms remove"
#   make packages         Debian packages, to packages/ or $(PACKAGES)

KDIR ?= /lib/modules/$(shell uname -r)/build
DESTDIR ?=
prefix ?= /usr/local
sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system
PACKAGES ?= $(CURDIR)/packages

VERSION := $(shell sed -n 's/^MODULE_VERSION("\(.*\)");$$/\1/p' module/main.c)
# Only asked for where there is something to be installed for it
MODULES = /lib/modules/$(shell $(MAKE) -s -C $(KDIR) kernelrelease)/updates

all: modules

# Make itself would only miss a folder.
kernel-headers:
	$(if $(wildcard $(KDIR)/Makefile),,$(error no kernel headers in \
		$(KDIR): install linux-headers-$(shell uname -r), or say \
		KDIR= where they are))

modules: kernel-headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

carapacectl:
	$(MAKE) -C userspace

# The same sources, with the hooks that tests need to make things go wrong
TESTING := $(CURDIR)/.testing

testing-module: kernel-headers
	mkdir -p $(TESTING)
	cp -a -u Kbuild module protect vmx scripts $(TESTING)/
	$(MAKE) -C $(KDIR) M=$(TESTING) CARAPACE_TESTING=1 modules

# Where the system is a directory that is being made, its own tools do the rest.
install: modules carapacectl install-boot
	install -D -m 644 carapace.ko $(DESTDIR)$(MODULES)/carapace.ko
	$(MAKE) -C userspace install DESTDIR=$(DESTDIR) prefix=$(prefix)
ifeq ($(DESTDIR),)
	depmod $(patsubst /lib/modules/%/updates,%,$(MODULES))
endif

# Early at boot, with this policy; who has changed it keeps it
install-boot:
	install -D -m 644 packaging/carapace.service \
		$(DESTDIR)$(unitdir)/carapace.service
	test -e $(DESTDIR)$(sysconfdir)/modprobe.d/carapace.conf || \
		install -D -m 644 packaging/carapace.conf \
			$(DESTDIR)$(sysconfdir)/modprobe.d/carapace.conf

uninstall: kernel-headers
ifeq ($(DESTDIR),)
	! command -v systemctl >/dev/null || systemctl disable -q carapace || :
endif
	rm -f $(DESTDIR)$(MODULES)/carapace.ko
	rm -f $(DESTDIR)$(unitdir)/carapace.service
	! cmp -s packaging/carapace.conf \
		$(DESTDIR)$(sysconfdir)/modprobe.d/carapace.conf || \
		rm -f $(DESTDIR)$(sysconfdir)/modprobe.d/carapace.conf
	$(MAKE) -C userspace uninstall DESTDIR=$(DESTDIR) prefix=$(prefix)
ifeq ($(DESTDIR),)
	depmod $(patsubst /lib/modules/%/updates,%,$(MODULES))
endif

# What the module is built from, and no more
DKMS_SOURCES := Kbuild Makefile module/Kbuild.compat scripts/check-island \
		$(wildcard module/*.[chS] protect/*.[chS] vmx/*.[chS])
DKMS_TREE = $(DESTDIR)/usr/src/carapace-$(VERSION)

install-dkms:
	@for file in $(DKMS_SOURCES); do \
		install -D -m 644 $$file $(DKMS_TREE)/$$file || exit; \
	done
	sed 's/#MODULE_VERSION#/$(VERSION)/' packaging/dkms.conf \
		>$(DKMS_TREE)/dkms.conf

uninstall-dkms:
	rm -rf $(DKMS_TREE)

# In a copy without what was built here, for dpkg-buildpackage writes into its
# sources and beside them
BUILT := ./packages ./.testing ./test-results ./userspace/build \
	 ./tests/unit/build ./tests/userspace/build *.o *.ko *.mod *.mod.c \
	 *.cmd *.symvers *.order ./island.* ./vmx/island.lds \
	 $(shell sed -n 's|^/|./tests/guest/|p' tests/guest/.gitignore)

packages:
	rm -rf $(PACKAGES)
	mkdir -p $(PACKAGES)/carapace-$(VERSION)
	tar -cf - --exclude-vcs $(patsubst %,--exclude='%',$(BUILT)) . | \
		tar -xf - -C $(PACKAGES)/carapace-$(VERSION)
	cd $(PACKAGES)/carapace-$(VERSION) && dpkg-buildpackage -us -uc
	rm -r $(PACKAGES)/carapace-$(VERSION)

# What the emulated machine gets (scripts/lab build)
guest: modules testing-module carapacectl
	$(MAKE) -C userspace install DESTDIR=$(DESTDIR) prefix=/usr
	install -D -m 644 carapace.ko $(DESTDIR)/root/carapace.ko
	install -D -m 644 $(TESTING)/carapace.ko \
		$(DESTDIR)/root/carapace-testing.ko
	$(MAKE) -C tests/guest KDIR=$(KDIR)
	$(MAKE) -C tests/guest KDIR=$(KDIR) install DESTDIR=$(DESTDIR)
	find $(DESTDIR) -name '*.ko' -exec strip --strip-debug {} +

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

clean-module: kernel-headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

clean: clean-module
	$(MAKE) -C userspace clean
	rm -rf $(TESTING)

.PHONY: all kernel-headers modules carapacectl testing-module guest unit check \
	demo bench test test-all clean clean-module install uninstall \
	install-boot install-dkms uninstall-dkms packages
