#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P20: who is let in by an ACL alone gets in through the mount, and who is kept out by it does not: at once, after an
# exposure, and after old files have been put back.
# AXES: root
. "${0%/*}/lib.sh"
need setfacl getfacl setpriv python3

for top in "$B" "$W/plain"; do
	mkdir -p "$top/d" "$top/default"
	chmod 755 "$top" "$top/default"
	chmod 700 "$top/d"
	echo old >"$top/f"
	echo old >"$top/d/g"
	chmod 600 "$top/f"
	chmod 644 "$top/d/g"
	chown 0:4321 "$top/f"
	setfacl -d -m u:1001:rw,g::r,o::- "$top/default"
done
chmod 755 "$W"
# as UID[:GROUP] COMMAND...
as() {
	local who=$1
	shift
	setpriv --reuid="${who%:*}" --regid="${who#*:}" --clear-groups "$@" 2>/dev/null
}
# can FILE: what each of three may do to it, and what it says
coproc tries {
	python3 -u -c '
import os, sys
for line in sys.stdin:
    name = line.rstrip("\n")
    for who, group in ((1001, 1001), (1002, 1002), (1003, 4321)):
        os.setgroups([]), os.setegid(group), os.seteuid(who)
        how = ""
        for flag, letter in ((os.O_RDONLY, "r"), (os.O_WRONLY, "w")):
            try:
                os.close(os.open(name, flag))
                how += letter
            except PermissionError:
                pass
        os.seteuid(0), os.setegid(0)
        print(f"{os.path.basename(name)} {who}:{group}: {how}")
'
}
can() {
	local line
	echo "$1" >&"${tries[1]}"
	for _ in 1 2 3; do
		IFS= read -r -t 30 -u "${tries[0]}" line || fail "no answer for $1"
		echo "$line"
	done
	getfacl -cn --absolute-names "$1" | sed 's/^/  /'
	stat -c '  %a %u:%g' "$1"
}
# rewrite FILE TEXT
rewrite() {
	echo "$2" >"$1"
	cat "$1" >/dev/null
}
session() {
	local top=$1 f=$1/f g=$1/d/g
	can "$f"
	setfacl -m u:1001:r,u:1002:rw "$f"
	can "$f"
	setfacl -m u:1002:- "$f"
	can "$f"
	# the mode's group bits are the mask, not what the group may do
	setfacl -m g::r,m::rw "$f"
	can "$f"
	chmod 640 "$f"
	can "$f"
	chmod 660 "$f"
	can "$f"
	rewrite "$f" new
	can "$f"
	rewrite "$f" newer
	can "$f"
	# a directory that must be gone through
	can "$g"
	setfacl -m u:1001:x,m::x "$top/d"
	can "$g"
	setfacl -m u:1001:- "$g"
	can "$g"
	setfacl -x u:1001 "$top/d"
	setfacl -m u:1002:rx "$top/d"
	can "$g"
	# removed, and written again
	setfacl -m u:1001:rwx "$top/d"
	rm "$g"
	echo old >"$g"
	can "$g"
	setfacl -m u:1001:w "$g"
	can "$g"
	rm "$g"
	echo old >"$g"
	can "$g"
	# renamed over: the ACL of what is renamed
	setfacl -m u:1002:w "$g"
	cp "$g" "$top/d/t"
	setfacl -m u:1001:- "$top/d/t"
	mv -f "$top/d/t" "$g"
	can "$g"
	# by a default ACL
	echo x >"$top/default/f"
	can "$top/default/f"
	mkdir "$top/default/e"
	(umask 077 && echo x >"$top/default/e/f")
	can "$top/default/e/f"
	getfacl -cn --absolute-names "$top/default/e"
	# by somebody whose own it is, and by somebody whose it is not
	chown 1001 "$f"
	as 1001:1001 setfacl -m u:1003:rw "$f" || echo "not by its owner"
	can "$f"
	as 1002:1002 setfacl -m u:1002:rw "$f" && echo "by somebody else"
	# set-group-ID ends if its owner is not of the group
	chmod 2770 "$f"
	as 1001:1001 setfacl -m u:1002:r "$f"
	can "$f"
	chmod 2770 "$f"
	as 1001:4321 setfacl -m u:1002:rw "$f"
	can "$f"
	setpriv --reuid=1001 --regid=1001 --groups=5,4321 setfacl -m u:1002:r "$f"
	can "$f"
	setpriv --reuid=1001 --regid=1001 --groups=5,4322 setfacl -m u:1002:rw "$f"
	can "$f"
	setfacl -b "$f"
	can "$f"
	mkdir "$top/shared"
	chown 1001:4321 "$top/shared"
	for groups in 1001:4321 1001:1001; do
		chmod 2755 "$top/shared"
		as "$groups" setfacl -m u::rwx,g::rwx,o::rwx "$top/shared"
		stat -c %A "$top/shared"
	done
	setfacl -k "$top/default"
	getfacl -cn --absolute-names "$top/default"
}
mnt -o allow_other
session "$W/plain" >"$T/want"
session "$B" >"$T/got"
grep -q "1001:1001: rw" "$T/want" || fail "the ACLs let nobody in"
diff -u "$T/want" "$T/got" >&2 || fail "access differs from that to plain files"

# of what is being written, and not yet exposed
start w
to w open 0 "$B/default/staged" w,creat 666
to w write 0 0 staged
setfacl -m u:1001:r,u:1002:- "$B/default/staged"
eq "a new file" "$(as 1001:1001 cat "$B/default/staged")" staged
eq "a new file" "$(as 1002:1002 cat "$B/default/staged" || echo no)" no
to w close 0
eq "the new file, exposed" "$(as 1001:1001 cat "$B/default/staged")" staged
to w open 0 "$B/default/staged" w,trunc
to w write 0 0 again
setfacl -m u:1001:-,u:1002:r "$B/default/staged"
eq "what is exposed" "$(as 1001:1001 cat "$B/default/staged" || echo no)" no
eq "what is exposed" "$(as 1002:1002 cat "$B/default/staged")" staged
to w close 0
eq "the next version" "$(as 1001:1001 cat "$B/default/staged" || echo no)" no
eq "the next version" "$(as 1002:1002 cat "$B/default/staged")" again
ends w

# the same ACL once more leaves no trace
umnt
f=$B/default/staged
setfacl -m u:1001:rw,g:4321:r "$f"
mnt -o allow_other
before=$(trace "$f") directory=$(trace "$B/default")
acl=$(getfacl -cn --absolute-names "$f")
setfacl -m u:1001:rw,g:4321:r "$f"
setfacl -b -m "$(grep -v '^$' <<<"$acl" | tr '\n' ,)" "$f"
setfacl -k "$B/default"
eq "the same ACL" "$(trace "$f")" "$before"
eq "the same ACL, in the backing" "$(trace "$(v default/staged)")" "$before"
eq "no default ACL" "$(trace "$B/default")" "$directory"
# and so does the same file put back with it
rm "$f"
printf again >"$f"
setfacl --set "$(grep -v '^$' <<<"$acl" | tr '\n' ,)" "$f"
eq "mtime of the file put back" "$(mtime "$f")" "$(sed 's/.*mtime=\([^ ]*\).*/\1/' <<<"$before")"
eq "its ACL" "$(getfacl -cn --absolute-names "$(v default/staged)")" "$acl"
kill "$tries_PID"
