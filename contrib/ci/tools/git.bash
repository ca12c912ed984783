# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# git: another branch, and back
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(git make gcc ar)
outputs=(tree)
again() { :; }
change() { (cd tree && sed -i s/Hello/Salut/ config.in && git commit -q -a -m three); }
says() { tree/out/prog; }
more() { if [[ -e project/tree/made ]]; then cat project/tree/made && rm project/tree/made; fi; }
sources() {
	local -x GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
	mkdir -p tree/out
	cd tree || return
	greeting_make
	printf '/out/\nmade\n' >.gitignore
	git init -q -b main
	git config user.name a
	git config user.email a@b
	git add .
	git commit -q -m one
	git checkout -q -b other
	for name in text.c main.c; do echo 'int other;' >>$name; done
	git commit -q -a -m two
	git checkout -q main
}
