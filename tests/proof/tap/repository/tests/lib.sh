# What tests are written with.

count=0
failed=0

told() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        failed=$((failed + 1))
    fi
}

# is WHAT FOUND WANTED
is() {
    [ "$2" = "$3" ]
    told $? "$1"
    [ "$2" = "$3" ] || printf '  ---\n  found: "%s"\n  wanted: "%s"\n  ...\n' "$2" "$3"
}

# holds WHAT COMMAND...
holds() {
    what=$1
    shift
    "$@"
    told $? "$what"
}

done_testing() {
    echo "1..$count"
    [ "$failed" -eq 0 ]
}
