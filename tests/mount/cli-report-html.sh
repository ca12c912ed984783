#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `lklfs report --html` makes of the journal of a real build one page that is whole, HTML and XML alike, with a row for each
# file and what had changed before it, whatever they are called; that asks for nothing from elsewhere; and that is there whole
# or not at all. (What a browser makes of it: contrib/ci/report-html.sh.)
# AXES: root ext4
. "${0%/*}/lib.sh"
need make python3

mkdir "$W/build" "$W/build/out"
cd "$W/build"
echo one >src.h
cat >Makefile <<'EOM'
all: out/prog out/doc
out/h: src.h
	cp src.h out/h
out/a.o: FORCE out/h
	(echo object; cat out/h) >out/a.o
out/prog: out/a.o
	cat out/a.o >out/prog.tmp && mv out/prog.tmp out/prog
out/doc: FORCE
	date +%s.%N >out/doc
FORCE:
EOM
builds() { "$LKLFS" run -o journal=../journal out -- make -s </dev/null 2>"$T/err" || fail "$(cat "$T/err")"; }
builds
builds
echo two >src.h
builds
odd=$'</script><b>&amp;"\'\n\t\xff\xe2\x80\xae]]>'
mkdir "out/<"
# shellcheck disable=SC2016
"$LKLFS" run -o journal=../journal out -- sh -c 'echo odd >"out/$0"' "$odd" </dev/null 2>/dev/null
cd ..

"$LKLFS" report --html=page.html journal </dev/null >"$T/out"
eq "what is printed besides" "$(cat "$T/out")" ""
cat >"$T/page.py" <<'EOM'
import html.parser, json, re, sys, xml.etree.ElementTree as tree
data, journal, base = open(sys.argv[1], "rb").read(), sys.argv[2], sys.argv[3]
page = tree.fromstring(data)  # well formed
XHTML = "{http://www.w3.org/1999/xhtml}"
def every(tag, parent=page):
    return parent.iter(XHTML + tag)
def text(element):
    return "".join(element.itertext()).replace("build/", "")
def within(element, class_name):
    return [e for e in element.iter() if class_name in e.get("class", "").split()]

# HTML has the same elements, in the same order, where there is a script and where there is none
class Tags(html.parser.HTMLParser):
    tags = []
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
parser = Tags()
parser.feed(data.decode("utf-8"))
assert parser.tags == [e.tag.rpartition("}")[2].lower() for e in page.iter()], "HTML and XML differ"

# nothing from elsewhere, nothing but its own script and style
policy = next(e.get("content") for e in every("meta") if e.get("http-equiv") == "Content-Security-Policy")
hashes = r"'sha256-[A-Za-z0-9+/]{43}='"
assert re.fullmatch(f"default-src 'none'; style-src {hashes} {hashes}; script-src {hashes}; base-uri 'none'; form-action 'none'", policy), policy
assert not [e for e in page.iter() if e.tag.rpartition("}")[2] in ("img", "link", "iframe", "object", "embed", "base", "form", "image", "a") and not (e.get("href") or "").startswith("#")]
assert not [key for e in page.iter() for key in e.keys() if key.startswith("on") or key in ("src", "style", "action", "srcset")]
assert len(list(every("script"))) == 1
assert not re.search(rb"url\(|@import|fetch\(|XMLHttp|import\(", data)

# each file is there
body = next(every("tbody"))
rows = {text(within(row, "p")[0].find(XHTML + "bdi")): row for row in every("tr", body)}
paths = {line["path"] for line in map(json.loads, open(journal)) if "path" in line}
want = {p[len(base) + 1 :] for p in paths if p.isprintable()} - {"out/prog.tmp"}  # which has become another
odd = "out/</script><b>&amp;\"'\\n\\t\\377\\342\\200\\256]]>"
assert set(rows) == want | {odd} and len(rows) == 5, (set(rows), want)
assert text(within(rows["out/a.o"], "v")[0]) == "changed"
assert "1 of 3" in [text(cell) for cell in within(rows["out/a.o"], "n")]
assert [text(cell) for cell in within(rows["out/a.o"], "c")][-1].startswith("(echo object; cat out/h)")

# what had changed before, in its history: the last time, and the time when nothing had
ids = {e.get("id"): e for e in page.iter() if e.get("id")}
def after(entry):
    return [ids[a.get("href")[1:]] for part in within(entry, "after") for a in every("a", part)]
entries = list(every("li", rows["out/a.o"]))
assert [text(within(e, "v")[0]) for e in entries] == ["changed", "kept", "new"], [text(e) for e in entries]
assert "in build 3, 11 bytes; 3 of 11 bytes, from byte 7 on" in text(within(entries[0], "s")[0]), text(entries[0])
assert "old  6f 6e 65 0a" in text(entries[0]) and "new  74 77 6f 0a" in text(entries[0])
assert after(entries[0]) == [next(every("li", rows["out/h"]))]
assert "had changed since it was" in text(entries[1])
assert after(next(every("li", rows["out/prog"]))) == [entries[0]]
# every link leads somewhere
for e in page.iter():
    if (e.get("href") or "").startswith("#"):
        assert e.get("href")[1:] in ids, e.get("href")

# the first change of each build that has one is marked in its drawing, that of the last one in the table
assert [text(e) for e in page.iter() if e.tag.endswith("}text") and "first" in e.get("class", "")] == [
    "first change: " + name for name in ("out/h", "out/doc")], [text(e) for e in page.iter() if e.tag.endswith("}text")]
assert [name for name, row in rows.items() if row.get("class") == "first"] == ["out/h"]
assert "out/doc" in text([s for s in every("section") if "Never the same" in text(s)][0])
EOM
python3 -X utf8 "$T/page.py" page.html journal "$W/build" 2>"$T/wrong" || fail "the page: $(tail -n 4 "$T/wrong")"

# there whole, or not at all
eq "a new page" "$(stat -c %a page.html)" 600
chmod 644 page.html
ln -s page.html link.html
cp page.html old.html
exec 5<page.html
"$LKLFS" report --html link.html journal journal </dev/null
eq "its mode" "$(stat -c %a page.html)" 644
[[ -L link.html ]] || fail "the link has gone"
cmp -s /dev/fd/5 old.html || fail "who had it open sees another"
! cmp -s page.html old.html || fail "it is the old page still"
exec 5<&-
eq "standard output" "$("$LKLFS" report --html - journal </dev/null | cmp - old.html)" ""
eq "/dev/stdout" "$("$LKLFS" report --html=/dev/stdout journal </dev/null | cmp - old.html)" ""
eq "a full disk" "$(status_of "$LKLFS" report --html=/dev/full journal)" 1
eq "a full disk" "$(cat "$T/err")" "lklfs: cannot write /dev/full: No space left on device"
eq "no directory" "$(status_of "$LKLFS" report --html="$T/missing/page.html" journal)" 1
mount -t tmpfs -o size=16k none build
cp journal build/page.html 2>/dev/null || :
cp build/page.html "$T/before"
eq "no room" "$(status_of "$LKLFS" report --html=build/page.html journal)" 1
cmp build/page.html "$T/before" || fail "the page that was there has gone"
eq "left behind" "$(ls -A build)" "page.html"
umount build
