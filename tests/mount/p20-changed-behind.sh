#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: root ext4
# P20: the kernel checks permissions on what it was told. Where the backing has changed behind the mount since, root's
# daemon does nothing for a builder that he might not do himself.
. "${0%/*}/lib.sh"
need setpriv

eve=(setpriv --reuid=1003 --regid=2003 --clear-groups --)
mkdir -m 777 "$B/open" "$B/dir" "$B/cwd" "$B/pub"
mkdir -m 1777 "$B/sticky"
mkdir -m 700 "$B/priv"
mkdir "$B/many"
for i in {1..30}; do
	mkdir -m 777 "$B/many/$i"
	echo root >"$B/many/$i/f"
	chmod 666 "$B/many/$i/f"
done
own() { echo eve >"$1" && chown 1003:2003 "$1"; }
for name in read write trunc created unread; do echo root >"$B/open/$name" && chmod 666 "$B/open/$name"; done
for name in chmod chown times acl link xattr; do own "$B/open/$name"; done
for name in unlink from exchange; do own "$B/sticky/$name"; done
own "$B/sticky/mine"
own "$B/dir/f"
chmod 777 "$B"
echo root >"$W/secret"
chmod 600 "$W/secret"

mnt -o allow_other
start eve "${eve[@]}"
to eve cd "$B"
refused() { # COMMAND...: not done
	local got
	got=$(to_errno eve "$@")
	[[ $got == @(EACCES|EPERM|ESTALE) ]] || fail "$*: $got"
}
secret() { # NAME: root's file comes under it, behind the mount
	rm -f "$V/$1"
	cp -p "$W/secret" "$V/$1"
	stat -c '%n %s %a %u %h %.9Y %.9Z' "$V/$1"
}
is_secret() { # NAME WAS
	eq "$1" "$(stat -c '%n %s %a %u %h %.9Y %.9Z' "$V/$1")" "$2"
	eq "what is in $1" "$(cat "$V/$1")" root
}
# everything into the kernel's caches first
for name in open/{read,write,trunc,unread,chmod,chown,times,acl,link,xattr} sticky/{unlink,from,exchange,mine} dir/f pub priv; do
	to eve stat "$name" >/dev/null
done
eq "absent" "$(to_errno eve stat open/created2)" ENOENT
eq "read before" "$(to eve open 0 open/read r && to eve read 0 0 10 && to eve close 0)" 'root\n'
to eve open 5 open/unread path

# modes
chmod 600 "$V/open/read" "$V/open/write" "$V/open/trunc" "$V/open/unread"
refused open 0 open/read r
refused open 0 open/write w
refused truncate open/trunc 0
refused open 0 open/trunc w,trunc
refused open 0 fd:5 r
refused open 0 fd:5 rw
eq "nothing was written" "$(cat "$V"/open/{read,write,trunc,unread} | sort -u)" root
# a file that is there though the kernel knows it is not
was=$(secret open/created2)
refused open 0 open/created2 rw,creat
eq "created, exclusively" "$(to_errno eve open 0 open/created2 rw,creat,excl)" EEXIST
is_secret open/created2 "$was"
echo eve >"$V/open/created3"
chown 1003 "$V/open/created3"
eq "one's own, that is there" "$(to_errno eve open 0 open/created3 rw,creat)" OK
to eve close 0

# another's file in the place of one's own
for way in "chmod @ 777" "chown @ 1003 2003" "times @ 1 1" "times @" "setxattr @ user.k v" "link @ open/linked" \
	"spawn setfacl -m u:1003:rwx @"; do
	name=${way%% *}
	[[ $name != setxattr ]] || name=xattr
	[[ $name != spawn ]] || name=acl
	was=$(secret "open/$name")
	if [[ $name == acl ]]; then
		to eve spawn "setfacl -m u:1003:rwx open/acl 2>&1" | grep -q '^1 ' || fail "an ACL was set"
	else
		# shellcheck disable=SC2086
		refused ${way//@/open/$name}
	fi
	is_secret "open/$name" "$was"
done
# in a sticky directory
for way in "unlink sticky/unlink" "rename sticky/from sticky/to" "rename sticky/mine sticky/exchange exchange"; do
	name=${way#* sticky/}
	name=${name%% *}
	[[ $way != *exchange ]] || name=exchange
	was=$(secret "sticky/$name")
	# shellcheck disable=SC2086
	refused $way
	is_secret "sticky/$name" "$was"
done

# a directory that is closed, entered by path and worked in
to eve cd "$B/dir"
chmod 700 "$V/dir"
was=$(stat -c '%.9Y %.9Z' "$V/dir")
for way in "open 0 f r" "open 0 f rw" "open 0 new w,creat" "mkdir new" "unlink f" "rename f g" "link f g" "list ."; do
	for at in "" "$B/dir/"; do
		# shellcheck disable=SC2086
		refused $(sed "s#\\b\\(new\\|f\\|g\\)\\b#$at\\1#g; s#list \\.#list ${at:-.}#" <<<"$way")
	done
done
eq "the closed one" "$(stat -c '%.9Y %.9Z' "$V/dir") $(ls "$V/dir")" "$was f"
# many, for the kernel may ask for their modes while it is told that they have changed
for i in {1..30}; do
	to eve cd "$B/many/$i"
	to eve stat f >/dev/null
	chmod 700 "$V/many/$i"
	refused open 0 f r
	refused open 0 f rw
done
to eve cd "$B"
# and one that comes under another's name
tool rename "$V/pub" "$V/priv" exchange
refused open 0 pub/x w,creat
eq "the private one" "$(ls "$V/pub")" ""
tool rename "$V/pub" "$V/priv" exchange

# opened again, it is open again
chmod 777 "$V/dir"
chmod 666 "$V/open/read"
until_true "the directory's mode" eval '[[ "$(to_errno eve open 0 "$B/dir/new" w,creat)" == OK ]]'
eq "the file's mode" "$(to_errno eve open 0 "$B/open/read" r)" OK
ends eve
