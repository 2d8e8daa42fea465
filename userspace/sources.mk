# SPDX-License-Identifier: GPL-2.0
#
# What carapacectl is made of. The unit tests build the same, but for commands.

USERSPACE_PARTS := \
	attack_line.c \
	bytes.c \
	capability_cost.c \
	coverage.c \
	cpu_checks.c \
	cpu_values.c \
	decompress.c \
	elf_module.c \
	finding.c \
	functions.c \
	json.c \
	kcore.c \
	kernel_checks.c \
	kernel_module.c \
	kmsg.c \
	kvm.c \
	message.c \
	module_checks.c \
	module_files.c \
	module_lines.c \
	program.c \
	reason.c \
	symbols.c \
	sysfs.c \
	text_compare.c \
	text_forms.c \
	text_nops.c \
	text_relocate.c \
	text_sites.c \
	when.c \
	workers.c

USERSPACE_COMMANDS := \
	attach.c \
	detach.c \
	doctor.c \
	guard.c \
	lock.c \
	log.c \
	main.c \
	policy.c \
	sites.c \
	status.c \
	top.c \
	verify.c

# From vmx/
USERSPACE_PURE := capabilities.c

# $(call have,HEADER): y where the compiler finds it
have = $(shell $(CC) -E -include $(1) -x c /dev/null >/dev/null 2>&1 && echo y)

HAVE_LZMA := $(call have,lzma.h)
HAVE_ZSTD := $(call have,zstd.h)
HAVE_ZLIB := $(call have,zlib.h)

USERSPACE_DEFINES := $(if $(HAVE_LZMA),-DHAVE_LZMA) \
		     $(if $(HAVE_ZSTD),-DHAVE_ZSTD) \
		     $(if $(HAVE_ZLIB),-DHAVE_ZLIB)
USERSPACE_LIBS := -lelf $(if $(HAVE_LZMA),-llzma) $(if $(HAVE_ZSTD),-lzstd) \
		  $(if $(HAVE_ZLIB),-lz)
