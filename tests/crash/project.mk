# SPDX-License-Identifier: LGPL-2.1-or-later
# A small project in which files are written in all the ways that builds write them; see builds.py. Each recipe is such that
# make is right if all is killed at any moment without lklfs: what says that something is done comes last (so ar, which begins
# with an archive of nothing, and install, which sets the mode at the end, write under another name).
.SHELLFLAGS := -ec
S := src
O := out
OBJECTS := $(patsubst %,$(O)/%.o,c0 c1 a0 a1 a2 a3 a4 a5)
HEADERS := $(patsubst %,$(O)/inc/%.h,0 1 2 3 4 5 6 7)
all: $(O)/all.o $(O)/copy.a $(O)/thin.a $(O)/always.h $(O)/steps.bin $(O)/post.h $(O)/two $(O)/sum2 $(O)/k.o $(O)/made \
	$(O)/bin/tool $(O)/tree.stamp $(HEADERS) $(O)/temporary
FORCE:
# written under a temporary name, and renamed if it is another
$(O)/config.h: $(S)/config.in FORCE
	sed s/@/_/ $< >$@.tmp; if cmp -s $@ $@.tmp; then rm -f $@.tmp; else mv -f $@.tmp $@; fi
# rewritten each time
$(O)/always.h: $(S)/config.in FORCE
	cp $< $@
$(O)/c%.o: $(S)/c%.c $(O)/config.h
	gcc -I$(O) -c $< -o $@
$(O)/a%.o: $(S)/a%.s
	as -o $@ $<
$(O)/lib.a: $(OBJECTS)
	rm -f $@.tmp; ar rcsD $@.tmp $(OBJECTS) && mv -f $@.tmp $@
$(O)/thin.a: $(OBJECTS) FORCE
	rm -f $@.tmp; ar rcsTD $@.tmp $(OBJECTS) && mv -f $@.tmp $@
$(O)/copy.a: $(O)/lib.a
	cp -p $< $@
$(O)/all.o: $(O)/lib.a
	ld -r -o $@ --whole-archive $<
$(O)/bin/tool: $(O)/all.o
	install -D -m 755 $< $@.tmp && mv -f $@.tmp $@
# long, in several steps
$(O)/steps.bin: $(S)/big.in
	for i in 1 2 3 4; do head -c 200000 $<; done >$@
# written and then edited
$(O)/post.h: $(S)/raw.in
	cp $< $@.tmp; sed -i s/raw/cooked/ $@.tmp; mv -f $@.tmp $@
# a file with two names, written in place
$(O)/two: $(S)/linked.in
	cat $< $< $< >$(O)/one; [ $(O)/one -ef $@ ] || ln -f $(O)/one $@
# a large file, and a small one that says that it is done
$(O)/big2.stamp: $(S)/big.in
	cat $< $< >$(O)/big2; touch $@
$(O)/sum2: $(O)/big2.stamp
	cksum <$(O)/big2 >$@
# made again if the command has changed; what says which it was must not outlive that
$(O)/k.o: $(S)/k.c FORCE
	cmd="gcc $$(cat $(S)/flags) -c $< -o $@"; if [ ! -e $@ ] || [ $< -nt $@ ] || \
		[ "$$cmd" != "$$(cat $(O)/.k.cmd 2>/dev/null)" ]; then \
		rm -f $(O)/.k.cmd && $$cmd && echo "$$cmd" >$(O)/.k.cmd; fi
$(O)/made: $(S)/raw.in
	rm -f $@; cat $< >$@
$(O)/tree.stamp: $(S)/raw.in $(S)/config.in
	rm -rf $(O)/tree; mkdir $(O)/tree; for i in 1 2 3 4 5 6; do cat $(S)/raw.in >$(O)/tree/$$i; done; touch $@
$(O)/inc/%.h: $(S)/raw.in
	mkdir -p $(O)/inc; { echo "/* $* */"; cat $<; } >$@
$(O)/temporary: $(S)/linked.in
	t=$$(mktemp $(O)/XXXXXX.tmp) && cat $< >$$t && chmod 644 $$t && mv -f $$t $@
