# How people are called on labels.

initials() {
    printf '%s\n' "$1" | sed 's/\([^ ]\)[^ ]* /\1/' | sed 's/^\(..\).*/\1/'
}
