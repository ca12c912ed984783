#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P13: a program that syncs all the time: SQLite, with a journal that it removes, and with a write-ahead log;
# what is committed is read by others, and after SIGKILL of the daemon.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3
python3 -c 'import sqlite3' 2>/dev/null || skip "python3 has no sqlite3"

mnt
cat >"$T/write" <<'END'
import sqlite3, sys
name, mode, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = sqlite3.connect(name, isolation_level=None)
assert db.execute(f"PRAGMA journal_mode={mode}").fetchone()[0] == mode
db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER, text TEXT)")
for i in range(first, first + 20):
    db.execute("INSERT INTO t VALUES (?, ?)", (i, "x" * 1000))
    if i % 5 == 0:
        db.execute("BEGIN")
        db.execute("DELETE FROM t")
        db.execute("ROLLBACK")
print("committed", flush=True)
if len(sys.argv) > 4:
    sys.stdin.read(1)
    import os
    os._exit(0)
db.close()
END
cat >"$T/read" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
print(*db.execute("SELECT count(*), min(n), max(n) FROM t").fetchone())
END
for mode in delete wal; do
	python3 "$T/write" "$B/$mode.db" "$mode" 0 >/dev/null
	eq "$mode: read by another" "$(python3 "$T/read" "$B/$mode.db" "$mode")" "20 0 19"
	mkfifo "$T/$mode.in"
	python3 "$T/write" "$B/$mode.db" "$mode" 20 stay >"$T/$mode.out" <"$T/$mode.in" &
	pid=$!
	exec {held}>"$T/$mode.in"
	is_committed() { [[ -s "$T/$mode.out" ]]; }
	until_true "$mode: the commits" is_committed
	kill_daemon
	exec {held}>&-
	wait "$pid"
	mnt
	eq "$mode: after the daemon's death" "$(python3 "$T/read" "$B/$mode.db" "$mode")" "40 0 39"
done
