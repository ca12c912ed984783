#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bash, zsh and fish complete what --help says, and no more: commands, options, the options of -o with their defaults,
# directories, mounts, and the command behind the -- of run. Each shell is asked itself.
# AXES: root tmpfs plain
# TIMEOUT: 120
. "${0%/*}/lib.sh"
need zsh fish

export T # for what the shells run
made=$(realpath "${TOOL%/*}/../contrib/completion")

# ---- what each shell offers at the end of $line, into $T/offered: a word a line ----

# bash's own function is called as bash calls it, who divides words at = and : as well, and is answered with the last part.
bash_asks() {
	local COMP_WORDBREAKS=$' \t\n"\'><=;|&(:' COMP_LINE=$line COMP_POINT=${#line} COMP_CWORD rest=$line word=${line##* }
	local COMP_WORDS=() COMPREPLY=()
	# blanks divide; = and : divide and are words
	while [[ "$rest" =~ ^\ *(([^ =:\\]|\\.)+|[=:]+)(.*)$ ]]; do
		COMP_WORDS+=("${BASH_REMATCH[1]}")
		rest=${BASH_REMATCH[3]}
	done
	[[ "$line" != *" " ]] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	"$complete" || : # which knows nothing of errexit
	[[ "$word" == *[=:]* ]] || word=
	((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]/#/${word%"${word##*[=:]}"}}" >"$T/offered"
}

# zsh completes on a terminal only. There is a key which lists what it would complete the line to; whatever is given to compadd
# for that is noted.
begin_zsh() {
	mkdir "$T/functions"
	cp "$made/_lklfs" "$T/functions/"
	cat >"$T/zshrc" <<'END'
unsetopt beep
LISTMAX=1000000
fpath=($T/functions $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {
  local -a hits before
  local hit
  if ((!${@[(I)-(O|A|D)]})); then
    builtin compadd -O hits "$@"
    zparseopts -E P:=before
    for hit in $hits; do
      print -r -- "$IPREFIX${before[2]}$hit" >>$T/offered
    done
  fi
  builtin compadd "$@"
}
list-all() {
  cd -q "$(<$T/where)"
  zle list-choices
  print >$T/done
}
zle -N list-all
bindkey '^T' list-all
bindkey '^U' kill-whole-line
print >$T/done
END
	cat >"$T/zsh" <<'END'
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z "source $T/zshrc"
while :; do
  # nobody wants to see what is printed there, but it has to be read
  while zpty -r -t z; do :; done
  if IFS= read -r -t 0.01 line; then
    zpty -w -n z $'\C-u'"$line"$'\C-t'
  fi
done
END
	mkfifo "$T/lines-zsh"
	TERM=vt100 COLUMNS=200 LINES=1000 zsh -f "$T/zsh" <>"$T/lines-zsh" >"$T/zsh.out" 2>&1 &
	zsh=$!
	until_true "zsh" test -e "$T/done"
}

begin_fish() {
	cat >"$T/fish" <<'END'
source $argv[1]/lklfs.fish
while read -l line
    cd (cat $T/where)
    complete -C $line | string replace -r '\t.*' '' >$T/offered
    echo >$T/done
end
END
	mkfifo "$T/lines-fish"
	HOME=$T fish --no-config "$T/fish" "$made" <>"$T/lines-fish" &
	fish=$!
}

# ask SHELL: one that goes on running is told where, and what line
ask() {
	pwd >"$T/where"
	rm -f "$T/done"
	printf '%s\n' "$line" >"$T/lines-$1"
	until_true "the answer of $1" test -e "$T/done"
}
zsh_asks() { ask zsh; }
fish_asks() { ask fish; }

# offers LINE WORD...: these and no others, by each shell. What ends a directory or begins a value may be there or not, and so may
# what stands there already.
offers() {
	local line=$1 shell want
	shift
	want=$( (($# == 0)) || printf '<%s>\n' "${@%=}" | sort -u)
	for shell in $shells; do
		: >"$T/offered"
		"${shell}_asks"
		eq "completion of '$line' in $shell" "$({ grep -vxF -e "${line##* }" "$T/offered" || :; } | sed 's,[/=]$,,; s/.*/<&>/' | sort -u)" "$want"
	done
}

shells="bash zsh fish"
# shellcheck source=/dev/null
. "$made/lklfs.bash"
complete=$(complete -p lklfs | sed 's/.*-F \([^ ]*\) .*/\1/')
mkdir "$T/cwd" "$T/cwd/dir" "$T/cwd/mine" "$T/path"
: >"$T/cwd/file"
install /dev/null "$T/path/only-here"
PATH=$T/path:$PATH
begin_zsh
begin_fish

# ---- the tables ----

cd "$T/cwd"
mapfile -t commands < <("$LKLFS" --help | sed -n 's/^  lklfs \[\?\([a-z]*\)\]\? .*/\1/p')
has "commands" "${commands[*]}" "mount run umount status report"
offers "lklfs " "${commands[@]}" dir mine
offers "lklfs u" umount

for command in "" "${commands[@]}"; do
	# shellcheck disable=SC2046
	offers "lklfs ${command:+$command }-" $("$LKLFS" "${command:-mount}" --help |
		sed -n -e 's/^  \(-.\), \(--[^ ]*\) .*/\1 \2/p' -e 's/^  \(--[^ ]*\) .*/\1/p' | sed 's/=[^ ]*//')
done
foreign=$("$LKLFS" --help | sed -n 's/^Everything else (\(.*\), \.\.\.).*/\1/p')
[[ -n "$foreign" ]] || fail "--help does not say what is left to libfuse"
help=$("$LKLFS" --help | sed -n '/^Options of -o/,/^Everything else/p')
words=$(sed -n 's/^  \([a-z_]\+=\?\).*/\1/p' <<<"$help")
has "options of -o" "$words" durable
for line in "lklfs -o " "lklfs mount -o" "lklfs run -d --options "; do
	# shellcheck disable=SC2046,SC2086
	if [[ "$line" == *-o ]]; then
		offers "$line" $(printf -- '-o%s\n' $words ${foreign//,/})
	else
		offers "$line" $words ${foreign//,/}
	fi
done
n_defaults=0
for word in $words; do
	default=$(tr -s '\n ' ' ' <<<"$help" | sed -n "s/.* ${word}[A-Z][^()]*(\([0-9]\+[KMG]\?\)) .*/\1/p")
	[[ -n "$default" ]] || continue
	offers "lklfs -o ro,$word" "ro,$word$default"
	n_defaults=$((n_defaults + 1))
done
eq "defaults that are numbers" "$n_defaults" 5

# ---- what is not in them ----

offers "lklfs m" mount mine
offers "lklfs mount m" mine
offers "lklfs run --mkdir d" dir
offers "lklfs -o ro d" dir
offers "lklfs run dir -- only-h" only-here
offers "lklfs run dir -- cat " dir file mine
offers "lklfs umount --timeout="
offers "lklfs mount -- -"
offers "lklfs -o keep" keep= keep_bytes=
offers "lklfs run -o keep=0,dur" keep=0,durable
offers "lklfs run --options=keep=0,dur" --options=keep=0,durable
offers "lklfs -odur" -odurable
offers "lklfs -o always=" always=none
offers "lklfs -o drivers=" drivers=+
offers "lklfs -o journal="
offers "lklfs report f" file
offers "lklfs report --why=f" --why=file

odd=$B/'a b"c'
mkdir "$odd"
"$LKLFS" "$odd" </dev/null
for command in umount status; do
	offers "lklfs $command ${B%/*}/" "$odd"
	offers "lklfs $command $B/a\\ b" "$odd"
	offers "lklfs $command /QZQ"
done
shells=bash # which offers one of both ways to write it
offers "lklfs umount " "$odd"
cd "$B"
offers "lklfs umount " "${odd##*/}"
offers "lklfs umount ./a" "./${odd##*/}"
"$LKLFS" umount "$odd" </dev/null
rmdir "$odd"
offers "lklfs umount "
kill "$zsh" "$fish"
wait
