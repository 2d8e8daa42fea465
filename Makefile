# SPDX-License-Identifier: GPL-2.0
#
# Carapace
#
#   make                  the module for the running kernel (KDIR= for another)
#   make demo             see it work, in an emulated machine
#   make test             the tests, in emulated machines
#   make test-all         those that take long, too

KDIR ?= /lib/modules/$(shell uname -r)/build
DESTDIR ?=

all: modules

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# What the emulated machine gets: see scripts/lab
guest: modules
	install -D -m 644 carapace.ko $(DESTDIR)/root/carapace.ko

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

.PHONY: all modules guest clean
