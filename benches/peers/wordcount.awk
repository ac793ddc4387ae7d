# awk -f wordcount.awk DATA
{ for (i = 1; i <= NF; i++) counts[tolower($i)]++ }
END { for (word in counts) printf "%s\t%d\n", word, counts[word] }
