# What a parcel costs, in cents.

base_rate() {
    if [ "$1" -lt 1000 ]; then
        echo 500
    elif [ "$1" -lt 5000 ]; then
        echo 900
    else
        echo 1500
    fi
}

insured() {
    echo $(($1 + $2 / 100))
}
