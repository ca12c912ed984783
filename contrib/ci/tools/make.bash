# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# make, with several jobs
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(make gcc ar)
sources() { greeting_make; }
