# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# distcc, to this machine alone
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(distcc distccd make gcc ar)
sources() { greeting_make; }
served() { (: <>/dev/tcp/127.0.0.1/3632) 2>/dev/null; }
before() {
	export DISTCC_FALLBACK=0 DISTCC_DIR=$work/distcc
	local user=() limit=$((SECONDS + 20))
	if served; then
		echo "somebody else answers where distccd is to listen"
		return 1
	fi
	((EUID != 0)) || user=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
	(cd / && exec setsid env PATH="$work/counting:$PATH" "${user[@]}" distccd --daemon --no-detach --allow 127.0.0.1 \
		--listen 127.0.0.1 --jobs 2 --log-stderr --log-level error) 2>>"$log" </dev/null &
	server=$!
	until served; do
		if ! kill -0 "$server" 2>/dev/null || ((SECONDS > limit)); then
			echo "distccd does not answer"
			return 1
		fi
	done
}
# Its children take work for as long as they live, with the PATH of this build.
after() {
	kill -- "-$server"
	wait "$server" || :
	local limit=$((SECONDS + 20))
	while served; do
		if ((SECONDS > limit)); then
			echo "distccd does not end"
			return 1
		fi
	done
}
