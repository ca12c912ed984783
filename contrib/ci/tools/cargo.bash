# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# cargo: a library in Rust, with a build script, that a program in C is linked with
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(cargo rustc make gcc)
outputs=(lib)
again() { touch config.in src/lib.rs; }
says() { lib/prog; }
sources() {
	echo Hello >config.in
	mkdir src
	cat >Cargo.toml <<'END'
[package]
name = "text"
version = "0.1.0"
edition = "2021"
build = "build.rs"
[lib]
crate-type = ["staticlib"]
END
	cat >build.rs <<'END'
use std::{env, fs, path::Path};
fn main() {
    println!("cargo:rerun-if-changed=config.in");
    let word = fs::read_to_string("config.in").unwrap();
    let out = Path::new(&env::var("OUT_DIR").unwrap()).join("words.rs");
    fs::write(out, format!("const WORD: &[u8; 6] = b\"{}\\0\";\n", word.trim())).unwrap();
}
END
	cat >src/lib.rs <<'END'
include!(concat!(env!("OUT_DIR"), "/words.rs"));
#[no_mangle]
pub extern "C" fn text() -> *const u8 { WORD.as_ptr() }
END
	printf '#include <stdio.h>\nconst char *text(void);\nint main(void) { return puts(text()) < 0; }\n' >main.c
	cat >Makefile <<'END'
lib/prog: main.c lib/libtext.a
	gcc -o $@ $^ -lpthread -ldl -lm
lib/libtext.a: FORCE
	cargo build -q --offline --release
	cp target/release/libtext.a $@
FORCE:
END
}
# With cargo not among the drivers it makes more, but nothing is stale.
also() {
	for word in Adieu Hallo; do
		echo "$word" >project/config.in
		(cd project && PATH=$work/$1:$PATH lklfs run --mkdir -o drivers=make target lib -- make >&2 && lib/prog)
	done
}
