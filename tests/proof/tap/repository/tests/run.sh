# Runs every tests/*.test.sh in a shell of its own, and tells in TAP what came of it.

number=0
failed=0
echo 'TAP version 14'
for file in tests/*.test.sh; do
    number=$((number + 1))
    said=$(sh "$file")
    status=$?
    echo "# Subtest: ${file##*/}"
    printf '%s\n' "$said" | sed 's/^/    /'
    if [ "$status" -eq 0 ]; then
        echo "ok $number - ${file##*/}"
    else
        echo "not ok $number - ${file##*/}"
        failed=$((failed + 1))
    fi
done
echo "1..$number"
[ "$failed" -eq 0 ]
