# Runs every test/*.test and tells in TAP what came of it.
number=0
is() {
    number=$((number + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $number - $1"
    else
        printf 'not ok %s - %s\n  ---\n  message: assertion failed\n  found: "%s"\n  wanted: "%s"\n  ...\n' "$number" "$1" "$2" "$3"
    fi
}
echo "TAP version 13"
for file in test/*.test; do
    . "./$file"
done
echo "1..$number"
