# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# git, with a configuration of the test's own and nothing of the machine's. Sourced after lib.sh.

need git

export HOME=$T GIT_CONFIG_GLOBAL=$T/gitconfig GIT_CONFIG_NOSYSTEM=1
export GIT_DISCOVERY_ACROSS_FILESYSTEM=1 # from inside the mount to what is above it
git config --global user.name tester
git config --global user.email tester@example.org
git config --global init.defaultBranch main
