# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A tree that is built as the Linux Kernel Library is, in small. Sourced by contrib-lkl-*.sh after lib.sh.
#
#   lkl_tree DIR            as before LKL's own fix: lib/lkl.o depends on bin/stat alone, so that changes of
#                           kernel/ are missed; lib/lkl.o is copied and the headers are written, twice, each time
#   lkl_tree DIR fixed      as after it: lib/lkl.o is forced, what is the same is not replaced
#
# Its steps print a word and a name each, see steps_of.

lkl_tree() {
	local dir=$1 kind=${2:-}
	mkdir -p "$dir"/{kernel,arch/lkl/include/uapi,tools/scripts,tools/lkl/{bin,lib,include,tests}}

	cat >"$dir/kernel/main.c" <<'END'
#include "../arch/lkl/include/uapi/api.h"
int start(void) { return VERSION; }
END
	echo '#define VERSION 6' >"$dir/arch/lkl/include/uapi/api.h"
	echo '#define HOST_OPS 2' >"$dir/arch/lkl/include/uapi/host_ops.h"

	# The kernel. With O=DIR its outputs are there.
	cat >"$dir/Makefile" <<'END'
MAKEFLAGS += -r --no-print-directory
obj := $(if $(O),$(O)/)
generated := $(obj)arch/lkl/include/generated
ifeq ($(ARCH),lkl)
include arch/lkl/Makefile
endif
defconfig:
	@mkdir -p $(generated)
	@test -e $(obj).config || echo '# lkl' >$(obj).config
$(obj)vmlinux: kernel/main.c arch/lkl/include/uapi/api.h
	@echo '  KCC vmlinux'
	@$(CC) -c -o $@ kernel/main.c
clean:
	@rm -f $(obj)vmlinux $(obj)lkl.o
mrproper: clean
	@rm -rf $(obj).config $(generated)
FORCE:
.PHONY: defconfig clean mrproper install FORCE
END
	# put COMMAND INTO: how something is replaced
	if [[ "$kind" == fixed ]]; then
		cat >"$dir/arch/lkl/put" <<'END'
#!/bin/sh
cat >"$1.new"
if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
END
	else
		cat >"$dir/arch/lkl/put" <<'END'
#!/bin/sh
cat >"$1"
END
	fi
	cat >"$dir/arch/lkl/Makefile" <<'END'
$(obj)lkl.o: $(obj)vmlinux FORCE
	@sh arch/lkl/put $@ <$<
$(generated)/syscall_defs.h: $(obj)vmlinux FORCE
	@sh arch/lkl/put $@ <arch/lkl/include/uapi/api.h
install: $(obj)lkl.o $(generated)/syscall_defs.h
	@echo '  INSTALL lkl.o'
	@mkdir -p $(INSTALL_PATH)/lib $(INSTALL_PATH)/include/lkl
	@sh arch/lkl/put $(INSTALL_PATH)/lib/lkl.o <$(obj)lkl.o
	@python3 arch/lkl/headers_install.py $(INSTALL_PATH)/include/lkl $(generated)/syscall_defs.h arch/lkl/include/uapi/*.h
END
	# Each header is installed as it is, and replaced by what it becomes: all by one process, or beside.
	cat >"$dir/arch/lkl/headers_install.py" <<'END'
import os, subprocess, sys
final, beside = sys.argv[1], os.path.join(sys.argv[1], ".beside")
FIXED = False
out = beside if FIXED else final
os.makedirs(out, exist_ok=True)
names = [os.path.join(out, os.path.basename(h)) for h in sys.argv[2:]]
for source, name in zip(sys.argv[2:], names):
    subprocess.run(["sh", "-c", "sed 's/^#define/& /' <\"$0\" >\"$1\"", source, name], check=True)
for name in names:
    text = open(name).read().replace("#define  ", "#define LKL_")
    open(name, "w").write(text)
for name in names if FIXED else []:
    target = os.path.join(final, os.path.basename(name))
    if os.path.exists(target) and open(target).read() == open(name).read():
        os.remove(name)
    else:
        os.rename(name, target)
if FIXED:
    os.rmdir(beside)
END
	[[ "$kind" != fixed ]] || sed -i 's/^FIXED = False/FIXED = True/' "$dir/arch/lkl/headers_install.py"

	# The host's side. In a tree with white space in its name only relative names will do.
	cat >"$dir/tools/scripts/Makefile.include" <<'END'
ifeq ($(origin O), command line)
  $(if $(wildcard $(O)/.),,$(error O=$(O) does not exist))
  OUTPUT := $(O)/
endif
END
	cat >"$dir/tools/lkl/Makefile" <<'END'
.SUFFIXES:
MAKEFLAGS += -r --no-print-directory
-include ../scripts/Makefile.include
ifneq ($(OUTPUT),)
  OUTPUT := $(OUTPUT)/tools/lkl/
  INTO := $(OUTPUT)
else
  INTO := tools/lkl
endif
export OUTPUT
all: $(OUTPUT)liblkl.a $(OUTPUT)tests/boot

bin/stat:
	@touch bin/stat

# rule to build lkl.o
$(OUTPUT)lib/lkl.o: bin/stat
	@$(MAKE) -C ../.. ARCH=lkl defconfig
	@$(MAKE) -C ../.. ARCH=lkl install INSTALL_PATH=$(INTO)

$(OUTPUT)liblkl.a: $(OUTPUT)lib/liblkl-in.o $(OUTPUT)lib/lkl.o
	@echo '  AR liblkl.a'
	@rm -f $@
	@ar -rcD $@ $^
$(OUTPUT)tests/boot: $(OUTPUT)tests/boot-in.o $(OUTPUT)liblkl.a
	@echo '  LINK tests/boot'
	@$(CC) -o $@ $^
$(OUTPUT)%-in.o: $(OUTPUT)lib/lkl.o FORCE
	@$(MAKE) -f Build $@

clean:
	@find $(or $(OUTPUT),.) -name '*.o' -delete -o -name '.*.d' -delete
	@$(RM) -r $(OUTPUT)include/lkl/
	@$(RM) $(OUTPUT)liblkl.a $(OUTPUT)tests/boot bin/stat
show:
	@echo "<$(WORDS)>"
fail:
	@exit 3
FORCE: ;
.PHONY: all clean show fail FORCE
.SECONDARY:
END
	[[ "$kind" != fixed ]] || sed -i '/lib\/lkl\.o: bin/s/$/ FORCE/' "$dir/tools/lkl/Makefile"
	cat >"$dir/tools/lkl/Build" <<'END'
MAKEFLAGS += -r --no-print-directory
$(OUTPUT)lib/liblkl-in.o: $(OUTPUT)lib/fs.o
	@echo '  LD lib/liblkl-in.o'
	@ld -r -o $@ $^
$(OUTPUT)tests/boot-in.o: $(OUTPUT)tests/boot.o
	@echo '  LD tests/boot-in.o'
	@ld -r -o $@ $^
$(OUTPUT)%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $*.o'
	@$(CC) -MMD -MP -MF $(@D)/.$(@F).d $(if $(OUTPUT),-I$(OUTPUT)include) -Iinclude -c -o $@ $<
-include $(wildcard $(OUTPUT)lib/.*.d $(OUTPUT)tests/.*.d)
END
	cat >"$dir/tools/lkl/include/lkl.h" <<'END'
#include <lkl/api.h>
#include <lkl/host_ops.h>
#include <lkl/syscall_defs.h>
int start(void);
int fs(void);
END
	cat >"$dir/tools/lkl/lib/fs.c" <<'END'
#include <lkl.h>
int fs(void) { return LKL_HOST_OPS; }
END
	cat >"$dir/tools/lkl/tests/boot.c" <<'END'
#include <lkl.h>
#include <stdio.h>
int main(void) { printf("%d %d %d\n", LKL_VERSION, start(), fs()); return 0; }
END
}

# The steps of a first build, and those of all the host's side after an installation.
export LKL_ALL='AR CC CC INSTALL KCC LD LD LINK' LKL_HOST='AR CC CC INSTALL LD LD LINK'

# steps_of FILE: the kinds of steps that a build printed there, sorted
steps_of() { awk 'NF == 2 && $1 ~ /^[A-Z]+$/ { print $1 }' "$1" | LC_ALL=C sort | xargs; }
