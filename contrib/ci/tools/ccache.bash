# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# ccache: what it finds again it need not compile, but what is made of it is made again
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(ccache make gcc ar)
sources() { greeting_make; }
before() {
	unset CCACHE_DISABLE
	export CCACHE_DIR=$PWD/project/cache CCACHE_CONFIGPATH=/dev/null
	mkdir -p "$CCACHE_DIR"
}
after() { export CCACHE_DISABLE=1; }
# All outputs removed, and a build: the headers look no younger than they are, or ccache would not trust them.
also() {
	(cd project && rm -r out/* && CCACHE_DIR=$PWD/cache CCACHE_CONFIGPATH=/dev/null ccache -z >&2)
	before
	builds "$1"
	after
	echo "$ran, direct hits: $(CCACHE_DIR=$PWD/project/cache CCACHE_CONFIGPATH=/dev/null ccache --print-stats |
		awk '$1 == "direct_cache_hit" { print $2 }')"
}
