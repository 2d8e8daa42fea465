# SPDX-License-Identifier: GPL-2.0
#
# What carapacectl is made of. The unit tests build the same, but for commands.

USERSPACE_PARTS := \
	bytes.c \
	coverage.c \
	decompress.c \
	elf_module.c \
	functions.c \
	json.c \
	message.c \
	module_files.c \
	reason.c \
	workers.c

USERSPACE_COMMANDS := \
	main.c \
	sites.c

# From vmx/
USERSPACE_PURE :=

# $(call have,HEADER): y where the compiler finds it
have = $(shell echo '\#include <$(1)>' | $(CC) -E -x c - >/dev/null 2>&1 && echo y)

HAVE_LZMA := $(call have,lzma.h)
HAVE_ZSTD := $(call have,zstd.h)
HAVE_ZLIB := $(call have,zlib.h)

USERSPACE_DEFINES := $(if $(HAVE_LZMA),-DHAVE_LZMA) \
		     $(if $(HAVE_ZSTD),-DHAVE_ZSTD) \
		     $(if $(HAVE_ZLIB),-DHAVE_ZLIB)
USERSPACE_LIBS := -lelf $(if $(HAVE_LZMA),-llzma) $(if $(HAVE_ZSTD),-lzstd) \
		  $(if $(HAVE_ZLIB),-lz)
