# awk -f status.awk DATA
{
    class = substr($(NF - 1), 1, 1)
    seen[$1]
    if (class == "2") twoxx[$1]++
    else if (class == "5") nxx[$1]++
}
END { for (source in seen) printf "%s\t%d\t%d\n", source, twoxx[source], nxx[source] }
