#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: root
# P20: several builders, one daemon of root's with allow_other: whatever each of them does ends as it would in
# a plain directory, errors, owners, modes, set-id bits, ACLs and capabilities.
. "${0%/*}/lib.sh"
need setpriv setfacl getfacl setcap getcap

declare -A IDS=([root]=0:0:0 [ann]=1001:2001:3000 [bob]=1002:2002:3000 [eve]=1003:2003:2003)

fill() {
	mkdir "$1"
	cd "$1"
	mkdir -m 755 dir
	mkdir -m 1777 sticky
	mkdir -m 2777 setgid
	mkdir -m 2770 team
	mkdir -m 700 closed
	mkdir -m 777 open
	chgrp 3000 setgid team
	echo root >dir/root
	echo root >closed/root
	for who in ann bob eve; do
		for where in sticky open setgid; do
			echo "$who" >"$where/$who"
			chown "${IDS[$who]%:*}" "$where/$who"
		done
	done
	echo root >sticky/root
	chmod 600 sticky/root
	chmod 666 open/eve
	# fs.protected_regular, fs.protected_fifos, fs.protected_symlinks
	echo shared >sticky/shared
	mkfifo sticky/fifo
	ln -s ../open/eve sticky/link
	chown 1001 sticky/shared sticky/fifo
	chown -h 1001 sticky/link
	chmod 666 sticky/shared sticky/fifo
	echo shared >team/shared
	chmod 660 team/shared
	# set-id bits are dropped by whoever may write, but is not root
	for way in write truncate trunc punch chown grow; do
		echo program >"open/$way"
		chown "1001:3000" "open/$way"
		chmod 6777 "open/$way"
	done
	echo program >open/capable
	chmod 777 open/capable
	setcap cap_net_raw+ep open/capable
	# who may do what by an ACL alone
	for acl in u:1001:- u:1001:rw g::-,u:77:rw,o::- g:3000:r,o::-; do
		echo secret >"open/acl$acl"
		setfacl -m "$acl" "open/acl$acl"
	done
	chgrp 2001 open/aclg::-*
	mkdir -m 700 open/acldir
	setfacl -m u:1001:rwx open/acldir
	mkdir -m 777 open/default
	setfacl -d -m u:1002:rwx,g::r-x,o::- open/default
	setfattr -n trusted.k -v v dir/root
	setfattr -n user.k -v v dir/root
	cd "$T"
}

commands() {
	local who acl
	cat <<-EOF2
	ann umask 022
	bob umask 077
	eve umask 002
	ann open 0 closed/root r
	ann stat closed/root
	ann list closed
	ann open 0 closed/new w,creat
	ann open 0 dir/new w,creat
	ann mkdir dir/newdir
	ann open 0 dir/root w
	ann open 0 dir/root r,noatime
	ann chmod dir/root 666
	ann chown dir/root 1001 2001
	ann times dir/root
	ann times dir/root 1 1
	ann truncate dir/root 0
	ann unlink dir/root
	ann rename dir/root open/stolen
	ann link dir/root open/linked
	ann symlink dir/root open/toroot
	ann open 0 open/toroot w
	bob open 0 sticky/shared rw,creat
	bob open 0 sticky/shared rw
	bob open 0 sticky/fifo rw,creat
	bob open 0 sticky/fifo rw
	bob open 0 sticky/link r
	ann open 0 sticky/link r
	bob link open/ann open/hard
	bob link sticky/shared open/hard
	bob link open/eve open/hard2
	bob unlink open/hard2
	ann setxattr dir/root user.k w
	ann removexattr dir/root user.k
	ann getxattr dir/root user.k
	ann setxattr dir/root trusted.k w
	ann removexattr dir/root trusted.k
	ann getxattr dir/root trusted.k
	ann setxattr dir/root trusted.none w
	ann listxattr dir/root
	ann setxattr dir/root security.capability w
	ann setxattr dir/root security.other w
	ann setxattr dir/root system.other w
	ann setxattr open/ann security.capability w
	ann setxattr open/ann user.k w
	bob setxattr open/ann user.k w
	bob setxattr sticky user.k w
	bob spawn setfacl -m u:1002:rwx open/ann 2>&1
	bob spawn setfacl -m u:1002:rwx dir/root 2>&1
	bob spawn setfacl -b dir/root 2>&1
	bob spawn setfacl -d -m u:1002:rwx dir 2>&1
	bob spawn setfacl -m u:1002:rwx open/acldir 2>&1
	ann spawn setfacl -m u:1002:rw open/ann 2>&1
	bob open 0 open/ann rw
	bob write 0 0 bob
	bob close 0
	eve open 0 open/ann rw
	bob chmod open/ann 777
	bob times open/ann 1 1
	bob chown open/ann 1002 2002
	ann chown open/ann 1001 3000
	ann chown open/ann 1001 77
	ann chown open/ann 1002 2002
	bob mknod open/block block 7 0
	bob mknod open/char char 1 3
	bob mknod open/whiteout char 0 0
	root mknod open/block block 7 0
	bob mknod open/socket socket
	bob mkfifo open/fifo
	bob mknod open/file file
	bob byhandle open/file .
	bob rename open/file open/moved
	ann unlink sticky/bob
	ann rename sticky/bob sticky/mine
	ann rename sticky/ann sticky/bob
	ann rename sticky/ann sticky/root exchange
	ann open 0 sticky/bob w,trunc
	ann open 0 sticky/root r
	ann unlink sticky/root
	ann rename sticky/root sticky/mine
	ann rmdir sticky
	ann rename sticky open/sticky
	bob open 0 sticky/fresh rw,creat 666
	bob write 0 0 fresh
	ann unlink sticky/fresh
	ann rename sticky/fresh sticky/mine
	ann rename sticky/ann sticky/fresh
	ann open 1 sticky/fresh w
	ann times sticky/fresh
	ann chmod sticky/fresh 777
	ann spawn setfacl -m u:1001:rw sticky/fresh 2>&1
	ann setxattr sticky/fresh user.k v
	bob rename sticky/fresh sticky/fresher
	bob close 0
	ann unlink sticky/fresher
	bob unlink sticky/fresher
	bob open 0 open/fresh rw,creat 644
	bob write 0 0 fresh
	ann open 1 open/fresh w
	ann open 1 open/fresh r
	ann close 1
	ann rename open/fresh open/taken
	ann unlink open/taken
	bob close 0
	ann open 0 setgid/new w,creat 666
	ann close 0
	eve open 0 setgid/foreign w,creat 2666
	eve close 0
	eve spawn setfacl -m g::rx setgid/foreign 2>&1
	eve mkdir setgid/sub
	eve mkdir setgid/sub/sub
	eve open 0 setgid/sub/sub/x w,creat
	eve close 0
	eve chmod setgid/sub 2777
	ann mkdir setgid/annsub
	ann chmod setgid/annsub 2770
	ann spawn setfacl -m u:1003:r setgid/annsub 2>&1
	eve open 0 setgid/xg w,creat 2775
	eve close 0
	ann open 0 setgid/xg2 w,creat 2775
	ann close 0
	ann open 0 team/by-ann w,creat 660
	ann write 0 - x
	ann close 0
	bob open 0 team/by-ann rw
	bob write 0 0 y
	bob close 0
	bob open 0 team/shared rw,trunc
	bob write 0 0 changed
	bob close 0
	bob chmod team/shared 666
	eve open 0 team/shared r
	eve stat team/shared
	bob open 0 open/write rw
	bob write 0 0 changed
	bob close 0
	bob truncate open/truncate 3
	bob open 0 open/trunc w,trunc
	bob close 0
	bob open 0 open/punch rw
	bob fallocate 0 punch 0 4
	bob close 0
	bob open 0 open/grow rw
	bob fallocate 0 grow 0 5000
	bob close 0
	ann chown open/chown 1001 3000
	bob open 0 open/capable rw
	bob write 0 0 changed
	bob close 0
	bob open 0 open/default/f w,creat 666
	bob close 0
	bob mkdir open/default/d
	bob mkfifo open/default/p
	bob symlink x open/default/l
	eve open 0 open/default/f r
	eve open 0 open/acldir/f w,creat
	ann open 0 open/acldir/f w,creat
	ann close 0
	ann list open/acldir
	eve list open/acldir
	ann open 0 open/toroot r
	ann setflags 0 16
	root open 0 dir/root r
	root listxattr dir/root
	root chown open/eve 1001 2001
	root chmod open/eve 644
	eve open 0 open/eve w
	eve chmod open/eve 666
	ann open 0 open/eve rw
	eve unlink open/eve
	ann close 0
	EOF2
	for who in ann bob eve; do
		for acl in u:1001:- u:1001:rw g::-,u:77:rw,o::- g:3000:r,o::-; do
			echo "$who open 0 open/acl$acl r"
			echo "$who open 1 open/acl$acl rw"
		done
	done
}

outcomes() {
	local who line ids
	for who in "${!IDS[@]}"; do
		IFS=: read -r uid gid groups <<<"${IDS[$who]}"
		start "$who" setpriv "--reuid=$uid" "--regid=$gid" "--groups=$groups" --
		to "$who" cd "$1"
	done
	while read -r who line; do
		# shellcheck disable=SC2086
		tell "$who" $line
		IFS= read -r -t 30 -u "${STEER_OUT[$who]}" out || fail "$who does not answer: $line"
		[[ $line != *stat* ]] || out=$(sed 's/ino=[0-9]*\|[mc]time=[0-9.]*//g' <<<"$out")
		echo "$who $line: $out"
	done < <(commands)
	for who in "${!IDS[@]}"; do ends "$who"; done
}
state() {
	cd "$1"
	find . -mindepth 1 -printf '%p %M %U:%G %l\n' | sort
	find . -type f -exec grep -a -H '' {} + | tr '\0' 0 | sort
	find . \( -type f -o -type d \) -print0 | sort -z | xargs -0 getfacl -n
	find . \( -type f -o -type d \) -print0 | sort -z | xargs -0 getfattr -d -m '^user|^trusted'
	getcap -r .
	cd "$T"
}
fill "$W/plain"
fill "$B/mounted"
mnt -o allow_other
chmod 755 "$B"
outcomes "$W/plain" >"$T/plain"
outcomes "$B/mounted" >"$T/mounted"
(($(wc -l <"$T/plain") > 150)) || fail "the commands were not run"
(($(grep -c ' EPERM$\| EACCES$' "$T/plain") > 50)) || fail "nobody was refused anything"
diff -U0 "$T/plain" "$T/mounted" >&2 || fail "what came of the commands differs"
state "$W/plain" >"$T/want"
for what in 'user:1002:rwx' user.k trusted.k 'rwxr-sr-x'; do
	grep -q -- "$what" "$T/want" || fail "the state does not show $what"
done
diff -U1 "$T/want" <(state "$B/mounted") >&2 || fail "what is there afterwards differs"
diff -U1 "$T/want" <(state "$V/mounted") >&2 || fail "what is in the backing afterwards differs"
