# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A repository with two branches, main and other, between which everything differs that can differ, and a third, last,
# that is further on; a Makefile that says what it ran; and what the tests of them share. Sourced after lib.sh.
#
# What these tests do themselves (find, make) is a look from outside, as is that of anybody who is not git.

. "${0%/*}/git.bash"
need make

export LC_ALL=C
git config --global advice.detachedHead false
git config --global core.editor true

# What is compiled, by copying, to $W/out; prog is all of it. What ran is in $T/log.
write_makefile() {
	cat >"$B/Makefile" <<-EOF
		SRC := \$(sort \$(wildcard *.c d*/*.c d*/deep/*.c))
		OBJ := \$(SRC:%.c=$W/out/%.o)
		$W/out/prog: \$(OBJ) $W/out/list; \\
			cat \$(OBJ) >\$@; echo prog >>$T/log
		$W/out/%.o: %.c; \\
			mkdir -p \$(@D); cat \$< >\$@; echo \$< >>$T/log
		# moves when a source comes or goes
		$W/out/list: FORCE; \\
			mkdir -p \$(@D); echo \$(SRC) >\$@.new; cmp -s \$@ \$@.new || cp \$@.new \$@
		FORCE:
	EOF
}

# write NAME...: files that say their name
write() {
	local name
	for name in "$@"; do
		mkdir -p "$B/$(dirname "$name")"
		echo "$name as it was" >"$B/$name"
	done
}

# repository [--separate | --above]: lays it out in $B; --separate: what git knows is elsewhere; --above: that, too, and $B
# is a directory of the working tree
repository() {
	cd "$B"
	case ${1:-} in
	--separate) export GIT_DIR=$W/git GIT_WORK_TREE=$B ;;
	--above) export GIT_DIR=$W/git GIT_WORK_TREE=${B%/*} ;;
	esac
	git init -q .
	write_makefile
	write same{1..5}.c changed{1..5}.c gone{1,2}.c old-name.c bit.c
	write d-main/{a,b}.c d-main/deep/{a,b}.c d-both/{same,changed,gone}.c
	write was-file.c swap/inside.txt
	ln -s same1.c was-link.c
	ln -s same1.c turned.c
	git add . && git commit -q -m main
	git checkout -q -b other
	for name in changed{1..5}.c d-both/changed.c; do
		echo "other" >>"$name"
	done
	echo 'changed1.c is not so.' >changed1.c # as many bytes as before
	git rm -q -r gone1.c gone2.c d-main d-both/gone.c was-file.c was-link.c turned.c swap
	write new{1,2}.c d-other/{a,b}.c d-other/deep/{a,b}.c d-both/new.c
	echo 'a file now' >was-link.c
	echo 'a file now' >swap
	ln -s same2.c was-file.c
	ln -s same2.c turned.c
	git mv old-name.c new-name.c
	chmod +x bit.c
	git add . && git commit -q -m other
	git checkout -q -b last
	for name in changed{1,2,3}.c new1.c same5.c; do
		echo last >>"$name"
	done
	git rm -q new2.c
	git add . && git commit -q -m last
	git checkout -q main
	# What is older than the index is not read again by git because of its age.
	find . -path ./.git -prune -o ! -type d -exec touch -h -d '2020-01-01 12:00:00.123456789 UTC' {} +
	git update-index -q --refresh
	cd "$T"
}

# All that is in the tree but what git knows: bytes and mtimes to the nanosecond. Directories have their own.
tree() {
	(cd "$B" && find . -name .git -prune -o ! -type d -printf '%P %y %m %s %T@ %l\n' | sort)
	(cd "$B" && find . -name .git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum)
}

# remember: what comes back and same_tree refer to
remember() { tree >"$T/before"; }

# same_tree WHAT
same_tree() {
	tree >"$T/after"
	diff "$T/before" "$T/after" >&2 || fail "$1: the tree differs"
}

# build: prints what was made
build() {
	: >"$T/log"
	make -s -L -C "$B" >&2 # links have times, too
	sort "$T/log" | xargs
}

# right_program WHAT: it is what a build from nothing gives
right_program() {
	(cd "$B" && shopt -s nullglob && printf '%s\n' *.c d*/*.c d*/deep/*.c | sort | xargs cat) >"$T/want"
	cmp "$W/out/prog" "$T/want" || fail "$1: the program is not what a build from nothing gives"
}

# A build, so that there is something to do nothing about; what there is then is to come back.
begin() {
	build >/dev/null
	eq "nothing to do" "$(build)" ""
	remember
}

# back WHAT COMMAND...: leaves everything as it was, and make has nothing to do
back() {
	local what=$1
	shift
	"$@" >"$T/git.log" 2>&1 || fail "$what: $(cat "$T/git.log")"
	same_tree "$what"
	eq "$what: the next make" "$(build)" ""
	right_program "$what"
}
