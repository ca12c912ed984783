#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the crowd on lklfs: 64 processes do everything at once on one small tree, in a mount over ext4, with too little memory
# for what they write, and a watchdog sees that none of them stands still.
#
#   tests/crowd/run.sh BUILD_DIR SECONDS [CASE...]
#
# BUILD_DIR holds lklfs and tests/crowd. The cases are
#
#   memory      with a control group's limit for all of them and the daemon together; where none can be made, that is a skip,
#               and the next one is run
#   unlimited   without
#   stopped     the daemon is stopped in the middle, and the watchdog has to notice
#
# The default is memory and stopped. CROWD_SEED repeats a run's lots (not its schedule); CROWD_STALL is how many seconds a
# process may stand still (30); CROWD_MEMORY is the limit in MiB. After each run the mount has to end, the backing must hold
# no hidden name, and what can tell whether it is whole (tests/crowd/whole.h) must be. Needs root. With LKLFS_MUST_RUN=1 a
# skip is a failure. A report of a sanitizer, by whichever process, is a failure.

. "${0%/*}/../stress.bash"

if (($# < 2)); then
	usage "$0"
	exit 2
fi
stress_begin "$1" "$0" "$@"

seconds=$2
shift 2
(($#)) || set -- memory stopped
crowd=$build/tests/crowd
[[ -x "$crowd" ]] || { echo "$crowd is missing" >&2 && exit 2; }
stall=${CROWD_STALL:-30}
options=(--stall="$stall")
[[ -z "${CROWD_SEED:-}" ]] || options+=(--seed="$CROWD_SEED")
((EUID != 0)) || options+=(--drop-caches)
# A sanitized daemon takes more and more memory for itself: the kernel would end it.
memory=96 sanitized=''
if grep -q -e __asan_init -e __tsan_init "$lklfs"; then sanitized=yes; fi
memory=${CROWD_MEMORY:-$memory}
dir=$work/ext4/mnt
group='' # of processes with little memory: a directory
export LSAN_OPTIONS=detect_leaks=0
reports_to "$work/report"

at_exit() {
	stress_clean
	end_group
}
trap at_exit EXIT

# ---- the control group ----

# begin_group: one with a limit, in the first version's hierarchy or in the second's; says why not
begin_group() {
	local root
	root=$(awk '/ - cgroup / && / rw.*[ ,]memory(,|$)/ { print $5; exit }' /proc/self/mountinfo)
	if [[ -n "$root" ]]; then
		mkdir "$root/lklfs-crowd-$$" && group=$root/lklfs-crowd-$$ &&
			echo "${memory}M" >"$group/memory.limit_in_bytes"
		return
	fi
	root=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	[[ -n "$root" ]] || { echo "there are no control groups" && return 1; }
	if ! grep -qw memory "$root/cgroup.subtree_control"; then
		echo +memory >"$root/cgroup.subtree_control" || return
	fi
	mkdir "$root/lklfs-crowd-$$" && group=$root/lklfs-crowd-$$ && echo "${memory}M" >"$group/memory.max"
}

# n_short: how often somebody in the group was short of memory
n_short() {
	if [[ -e "$group/memory.failcnt" ]]; then cat "$group/memory.failcnt"; else sed -n 's/^max //p' "$group/memory.events"; fi
}

n_oom() { sed -n 's/^oom_kill //p' "$group"/memory.{oom_control,events} 2>/dev/null; }

# The last may be ending still.
end_group() {
	local i
	for ((i = 0; i < 100; i++)); do
		[[ -d "$group" ]] && ! rmdir "$group" 2>/dev/null || break
		sleep 0.1
	done
	[[ ! -d "$group" ]] || failed "somebody is left in $group"
	group=''
}

# ---- a run ----

# in_group COMMAND...: the kernel ends anybody but this one, should memory not suffice
in_group() {
	(
		[[ -z "$group" ]] || echo "$BASHPID" >"$group/cgroup.procs" || exit
		echo -1000 >/proc/self/oom_score_adj 2>/dev/null || :
		exec "$@"
	)
}

mount_lklfs() {
	in_group "$lklfs" --log="$work/log" "$dir" </dev/null >"$work/out" 2>&1 && (($(n_mounted "$dir") == 1)) || return
	daemon=$(daemons "$dir")
	[[ -n "$daemon" ]]
}

# crowded: for so many seconds; what it says is in $work/out
crowded() {
	# Should memory not suffice, the kernel is to end them, and not the daemon.
	# shellcheck disable=SC2016
	within $((seconds + 6 * stall + 60)) bash -c 'echo 500 >/proc/self/oom_score_adj && exec "$0" "$@"' \
		"$crowd" --seconds="$seconds" --daemon="$daemon" "${options[@]}" \
		${group:+--cgroup="$group/cgroup.procs"} "$dir" >"$work/out" 2>&1
}

# whole WHERE: what can tell is
whole() {
	within 120 "$crowd" --verify "$dir" >"$work/out" 2>&1 || { echo "$1:" && cat "$work/out" && return 1; }
}

# ends: the mount does, and nothing is left of it
ends() {
	local left
	whole "in the mount, afterwards" || return
	if ! within 120 "$lklfs" umount "$dir" </dev/null >"$work/out" 2>&1; then
		echo "umount failed:" && cat "$work/out"
		return 1
	fi
	(($(n_mounted "$dir") == 0)) || { echo "umount succeeded, but it is mounted" && return 1; }
	[[ -z "$(daemons "$work")" ]] || { echo "umount returned before its daemon had gone" && return 1; }
	if [[ -s "$work/log" ]]; then
		echo "the daemon had something to say:" && head -n 20 "$work/log"
		return 1
	fi
	left=$(find "$dir" -name '*lklfs*')
	[[ -z "$left" ]] || { printf 'left in the backing:\n%s\n' "$left" && return 1; }
	whole "in the backing"
}

run_crowd() {
	if ! mount_lklfs; then
		echo "mounting failed:" && cat "$work/out"
		return 1
	fi
	if ! crowded; then
		cat "$work/out"
		waits "$work"
		return 1
	fi
	said=$(tail -n 1 "$work/out")
	[[ -z "$group" ]] || said+="; of $memory MiB too little $(n_short) times, $(n_oom) ended for it"
	if [[ -n "$group" ]] && ((seconds >= 30 && $(n_short) == 0)); then
		echo "the limit of $memory MiB was never reached: $said"
		return 1
	fi
	ends
}

# The watchdog barks, and says where: who asks waits for an answer, and the daemon is stopped.
run_stopped() {
	local pid r=0 i
	options+=(--stall=3)
	if ! mount_lklfs; then
		echo "mounting failed:" && cat "$work/out"
		return 1
	fi
	: >"$work/out"
	seconds=60 crowded &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		! grep -q ^begins: "$work/out" || break
		sleep 0.1
	done
	kill -STOP "$daemon"
	wait "$pid" || r=$?
	kill -CONT "$daemon"
	cp "$work/out" "$work/barks"
	((r != 0)) || { echo "it did not notice" && return 1; }
	for what in "stands still for 3 s in" "the daemon's threads" "($(<"/proc/$daemon/comm")) waits in do_signal_stop"; do
		grep -q -F -e "$what" "$work/barks" || { echo "it does not say: $what" && cat "$work/barks" && return 1; }
	done
	said=$(sed -n 's/^\([0-9]* of [0-9]* stand still\).*/\1/p' "$work/barks")
}

if ((EUID != 0)); then
	skipped "needs root"
	stress_end
	exit
fi
for case; do
	if ! make_backing ext4 2G >"$work/out" 2>&1 || ! mkdir "$dir"; then
		skipped "$case: $(tr '\n' ' ' <"$work/out")"
		continue
	fi
	said=''
	if [[ "$case" == memory && -n "$sanitized" ]]; then
		case=unlimited
	elif [[ "$case" == memory ]] && ! begin_group >"$work/out" 2>&1; then
		skipped "memory: no control group can be made: $(tail -n 1 "$work/out")"
		end_group
		case=unlimited
	fi
	case $case in
	memory | unlimited) if run_crowd >"$work/said"; then ok "$case: $said"; else failed "$case" && indent "$work/said"; fi ;;
	stopped) if run_stopped >"$work/said"; then ok "$case: $said"; else failed "$case" && indent "$work/said"; fi ;;
	*)
		echo "there is no case named $case" >&2
		exit 2
		;;
	esac
	reports "$case"
	end_mounts "$work"
	end_group
	within 60 umount -l "$work/ext4"
done
stress_end
