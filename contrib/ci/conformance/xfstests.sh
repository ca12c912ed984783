#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xfstests' generic quick group in a mount over an ext4, and on an ext4 by itself: what passes there has to pass here, where
# it can be run.
#
#   contrib/ci/conformance/xfstests.sh LKLFS XFSTESTS_DIR [TEST...]
#
# XFSTESTS_DIR is a checkout of github.com/kdave/xfstests, built there (make; Debian packages: see its README); it is not
# written to. TEST is a group or a test, say generic/001; default: -g generic/quick, but for those that xfstests.allow calls
# `too long`. Needs root and the packages xfsprogs, attr, acl, bc, fio and psmisc; the quick group takes an hour, of which the
# backing's half is less.
#
# The file system is `fuse` to xfstests, of the subtype lklfs, mounted by mount(8) with allow_other, suid and dev; test and
# scratch directory are two mounts over directories of one ext4. What is not run then (reflinks, quotas, block devices, mkfs:
# xfstests says why, and log.mount has it) is not compared. What ran is run again on two ext4s. What cannot pass is in
# xfstests.allow, with the reason; what is there and passes is a failure, too. The last line is `N passed, N failed, N
# skipped`; exit status: 0 nothing failed, 1 something did, 2 called wrongly.

. "${0%/*}/common.bash" "$@"

[[ -x "${2-}/check" && -x "$2/ltp/fsx" ]] || die "no xfstests, built: ${2-}"
suite=$(realpath "$2")
tests=("${@:3}")
if ((${#tests[@]} == 0)); then
	tests=(-g generic/quick)
	sed -n 's/^\(generic[^:]*\): too long.*/-e \1/p' "$here/xfstests.allow" >"$work/long"
	read -ra too_long -d '' <"$work/long" || :
	tests+=("${too_long[@]}")
fi

# What xfstests wants of the machine, in this namespace alone: its users, a helper that mount(8) finds, and a df that calls
# the file system what FSTYP does.
mkdir -p "$work"/{sbin,bin,fs,test,scratch}
for file in passwd group shadow; do
	cp -p "/etc/$file" "$work/$file"
done
for user in fsgqa:60001 fsgqa2:60002 123456-fsgqa:60003; do
	echo "${user%:*}:x:${user#*:}:${user#*:}::/tmp:/bin/bash" >>"$work/passwd"
	echo "${user%:*}:x:${user#*:}:" >>"$work/group"
	echo "${user%:*}:*:19000:0:99999:7:::" >>"$work/shadow"
done
for file in passwd group shadow; do
	mount --bind "$work/$file" "/etc/$file"
done
ln -s "$lklfs" "$work/sbin/mount.fuse.lklfs"
sbin=$(realpath /sbin)
mount -t overlay -o "lowerdir=$work/sbin:$sbin" overlay "$sbin"
printf '#!/bin/bash\nset -o pipefail\n%s "$@" | sed "s/fuse\\.lklfs/fuse/"\n' "$(command -v df)" >"$work/bin/df"
chmod +x "$work/bin/df"

# xfstests SIDE TEST...
xfstests() {
	local side=$1
	shift
	echo "RESULT_BASE=$work/results.$side" >>"$work/config.$side"
	(cd "$suite" && HOST_OPTIONS=$work/config.$side ./check "$@") >"$work/log.$side" 2>&1 || :
	results "$side" >"$work/$side"
}

# results SIDE: what passed
results() {
	comm -23 <(listed "$1" Ran) <(listed "$1" "Failures\|Not run") | LC_ALL=C sort -u
}

listed() { # SIDE WHAT
	sed -n "s/^\($2\)://p" "$work/results.$1/check.log" | tr ' ' '\n' | sed '/^$/d' | LC_ALL=C sort -u
}

backing "$work/fs" 12G
mkdir "$work/fs/test" "$work/fs/scratch"
options=allow_other,user,exec,suid,dev
cat >"$work/config.mount" <<EOF
FSTYP=fuse
FUSE_SUBTYP=.lklfs
TEST_DEV=lklfs-test
TEST_DIR=$work/fs/test
SCRATCH_DEV=lklfs-scratch
SCRATCH_MNT=$work/fs/scratch
MOUNT_OPTIONS="-o $options"
TEST_FS_MOUNT_OPTS="-o $options"
EOF
PATH=$work/bin:$PATH xfstests mount "${tests[@]}"
comm -23 <(listed mount Ran) <(listed mount "Not run") >"$work/ran"
echo "xfstests: $(wc -l <"$work/ran") tests run, $(listed mount "Not run" | wc -l) cannot be run on FUSE"
# These two write where an ext4 has no blocks any more (EFBIG): what there is of such a file is saved (P17).
saved=(testfile.308.lklfs-unsaved test-564/copy.lklfs-unsaved)
for dir in test scratch; do
	"$lklfs" umount "$work/fs/$dir"
	(cd "$work/fs/$dir" && rm -f "${saved[@]}")
	check "nothing is left in the $dir directory's backing" clean "$work/fs/$dir"
done

for dir in test scratch; do
	truncate -s 6G "$work/$dir.img"
	mkfs.ext4 -q -F "$work/$dir.img"
done
test_loop=$(losetup -f --show "$work/test.img")
scratch_loop=$(losetup -f --show "$work/scratch.img")
trap 'umount -q "$work/test" "$work/scratch" || :; losetup -d "$test_loop" "$scratch_loop"' EXIT
cat >"$work/config.plain" <<EOF
FSTYP=ext4
TEST_DEV=$test_loop
TEST_DIR=$work/test
SCRATCH_DEV=$scratch_loop
SCRATCH_MNT=$work/scratch
EOF
mapfile -t ran <"$work/ran"
xfstests plain "${ran[@]}"
sed '/: too long/d' "$here/xfstests.allow" >"$work/list"
if ((${#} > 2)); then
	allowed "$work/list" | LC_ALL=C comm -12 - "$work/ran" | sed 's/$/:/' >"$work/list.some"
	mv "$work/list.some" "$work/list"
fi
check "xfstests" judge xfstests "$work/list"
outcome
