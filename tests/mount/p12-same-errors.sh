#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: ... and their errors are those of the backing file system: the same commands, in a plain directory
# and in the mount, end alike.
# BACKINGS: all
. "${0%/*}/lib.sh"

long=$(printf '%300s' '' | tr ' ' n)
commands() {
	cat <<EOF
open 0 missing r
open 0 missing/x w,creat
open 0 file/x r
open 0 dir w
open 0 dir rw,creat
open 0 file rw,creat,excl
open 0 $long rw,creat
open 0 loop r
open 0 link r,nofollow
open 0 link rw,creat,excl
open 0 dangling r
open 0 file r,dir
open 0 dir r -- read 0 0 1
open 0 file r -- write 0 0 x
open 0 file w -- read 0 0 1
open 0 file rw -- ftruncate 0 -1
open 0 secret r
open 0 secret w
open 0 readonly w
open 0 closed/new w,creat
open 0 hidden/file r
stat hidden/file
stat missing
stat file/
stat $long
mkdir file
mkdir dir
mkdir link
mkdir missing/x
mkdir file/x
mkdir closed/x
mkdir $long
rmdir dir
rmdir file
rmdir missing
rmdir dir/.
rmdir dir/..
rmdir link
unlink dir
unlink missing
unlink file/x
unlink closed/file
unlink $long
link file dir
link file other
link missing x
link dir x
link file $long
link file missing/x
symlink x file
symlink x $long
symlink x missing/x
symlink x closed/x
readlink file
readlink missing
mkfifo file
mkfifo missing/x
mkfifo closed/x
rename file dir
rename dir file
rename empty dir
rename dir dir/sub
rename dir/file dir
rename missing x
rename file missing/x
rename file $long
rename file file
rename file other noreplace
rename missing other noreplace
rename file missing exchange
rename missing file exchange
rename file closed/x
rename closed/file x
truncate dir 0
truncate missing 0
truncate file -1
truncate readonly 0
chmod missing 644
chmod file/x 644
chown file 1 1
chown missing 1 1
times missing
times file/x
times file 1 2
setxattr file user.k v replace
setxattr file user.k v create
setxattr file user.k v create
getxattr file user.k 0
getxattr file user.k 1
setxattr file user.k longer replace
getxattr file user.k 2
getxattr file user.none
getxattr file bogus.k
setxattr file bogus.k v
setxattr file bogus v
setxattr link user.k v
removexattr file user.k
removexattr file user.k
removexattr missing user.k
list missing
list file
list hidden
EOF
}
fill() {
	mkdir "$1" "$1/dir" "$1/empty" "$1/closed" "$1/hidden"
	echo file >"$1/file"
	echo other >"$1/other"
	echo x >"$1/dir/file"
	echo x >"$1/closed/file"
	echo x >"$1/hidden/file"
	echo x >"$1/secret"
	echo x >"$1/readonly"
	ln -s file "$1/link"
	ln -s loop "$1/loop"
	ln -s nowhere "$1/dangling"
	chmod 0 "$1/secret"
	chmod 444 "$1/readonly"
	chmod 555 "$1/closed"
	chmod 0 "$1/hidden"
}
outcomes() {
	local line
	cd "$1"
	while read -r line; do
		# shellcheck disable=SC2086
		echo "${line//"$long"/LONG}: $(errno_of $line)"
	done < <(commands)
}
mnt
fill "$W/plain"
fill "$B/mounted"
(outcomes "$W/plain") >"$T/plain"
(outcomes "$B/mounted") >"$T/mounted"
(($(wc -l <"$T/plain") > 80)) || fail "the commands were not run"
diff -u "$T/plain" "$T/mounted" >&2 || fail "errors differ"
chmod 700 "$B/mounted/hidden" "$B/mounted/closed"
