# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# autoconf and automake
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(autoreconf automake make gcc ar)
left_out=(config.log)
sources() {
	greeting
	cat >configure.ac <<'END'
AC_INIT([greeting], [1])
AM_INIT_AUTOMAKE([foreign])
AC_PROG_CC
AC_PROG_RANLIB
AM_PROG_AR
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
	cat >Makefile.am <<'END'
AM_CPPFLAGS = -I.
bin_PROGRAMS = prog
noinst_LIBRARIES = libtext.a
libtext_a_SOURCES = text.c
prog_SOURCES = main.c
prog_LDADD = libtext.a
BUILT_SOURCES = config.h
config.h: $(srcdir)/config.in config.status
	cd $(srcdir) && sh gen.sh >$(abs_builddir)/$@ && echo gen >>made
END
}
