# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154,SC2209
# `make headers_install` of the kernel, and a few programs that are built with what it has installed. It copies all headers
# every time, whether they have changed or not.
tools=(make gcc rsync dpkg-deb)
driver=make
left_out=()

get() { [[ -e "$(echo linux-source-6.1_*.deb)" ]] || apt-get download linux-source-6.1; }
unpack() {
	local part parts=()
	for part in Makefile Kbuild Kconfig scripts include arch/x86 usr tools/include; do
		parts+=("linux-source-6.1/$part")
	done
	dpkg-deb --fsys-tarfile linux-source-6.1_*.deb | tar xO ./usr/src/linux-source-6.1.tar.xz |
		tar xJ -C "$src" --strip-components=1 "${parts[@]}"
	mkdir "$src/programs"
	printf '#include <linux/limits.h>\n#include <stdio.h>\nint main(void)\n{\n\tprintf("%%d\\n", PATH_MAX);\n}\n' \
		>"$src/programs/limits.c"
	printf '#include <linux/fuse.h>\nint main(void)\n{\n\treturn FUSE_KERNEL_VERSION;\n}\n' >"$src/programs/fuse.c"
	printf '#include <linux/stat.h>\nint main(void)\n{\n\treturn !S_ISDIR(S_IFDIR);\n}\n' >"$src/programs/stat.c"
	cat >"$src/programs/Makefile" <<'END'
programs := limits fuse stat
all: $(programs)
$(programs): %: %.o
	@echo '  CCLD    $@'
	@$(CC) -o $@ $<
%.o: $(src)/%.c
	@echo '  CC      $@'
	@$(CC) -I../installed/include -MMD -c -o $@ $<
-include $(programs:=.d)
END
}
configure() { mkdir -p "$out/programs"; }
build() {
	make -C "$src" O="$out" INSTALL_HDR_PATH="$out/installed" -j2 headers_install
	make -C "$out/programs" -f "$src/programs/Makefile" src="$src/programs" -j2
}
tests() { [[ "$("$out/programs/limits")" == 4096 ]]; }
described() { touch "$src/Makefile" "$src/scripts/headers_install.sh"; }
touched() { find "$src/include/uapi" "$src/arch/x86/include/uapi" -name '*.h' -exec touch {} +; }
comment() { echo '/* a comment */' >>"$src/include/uapi/linux/fuse.h"; }
change() { sed -i 's/PATH_MAX *4096/PATH_MAX 4095/' "$src/include/uapi/linux/limits.h"; }
