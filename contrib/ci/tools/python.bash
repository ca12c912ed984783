# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# Python: a module in C, made with setuptools of a header that is made, and a module in Python that is made, byte-compiled
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(python3 gcc)
outputs=(build)
left_out=(__pycache__)
says() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=build/lib:build/py python3 -c 'import text, words; assert text.text() == words.text; print(words.text)'; }
# setuptools compares whole seconds
later() { until (($(date +%s) > $(stat -c %Y build/temp/text.o))); do :; done; }
again() { later && touch config.in; }
change() { later && sed -i s/Hello/Salut/ config.in; }
more() {
	made
	sed -n "s/^Compiling '.*/compiled/p" "$log"
}
sources() {
	echo Hello >config.in
	cat >gen.py <<'END'
import os
word = open("config.in").read().strip()
os.makedirs("build/py", exist_ok=True)
open("build/config.h", "w").write(f'#define GREETING "{word}"\n')
open("build/py/words.py", "w").write(f'text = "{word}"\n')
open("made", "a").write("gen\n")
END
	cat >setup.py <<'END'
from setuptools import Extension, setup
setup(name="text", ext_modules=[Extension("text", ["text.c"], include_dirs=["build"], depends=["build/config.h"])])
END
	cat >text.c <<'END'
#include <Python.h>
#include "config.h"
static PyObject *text(PyObject *self, PyObject *none) { return PyUnicode_FromString(GREETING); }
static PyMethodDef methods[] = {{"text", text, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "text", NULL, -1, methods};
PyMODINIT_FUNC PyInit_text(void) { return PyModule_Create(&module); }
END
}
