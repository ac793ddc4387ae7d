# awk -f status.awk DATA
#
# mawk has no {3} and no groups. A match is the longest one, so it ends at the last `" code bytes`,
# where the greedy `.*` of the other tools ends too; what follows it is cut off, so that the code is
# the last field but one. Fields are divided by single spaces, as in the pattern.
BEGIN { FS = "[ ]" }
match($0, /^[^ ]+ \[[0-9:]+\] ".*" [0-9][0-9][0-9] [^ ]+/) {
    if (RLENGTH < length($0)) $0 = substr($0, 1, RLENGTH)
    class = substr($(NF - 1), 1, 1)
    seen[$1]
    if (class == "2") twoxx[$1]++
    else if (class == "5") nxx[$1]++
}
END { for (source in seen) printf "%s\t%d\t%d\n", source, twoxx[source], nxx[source] }
