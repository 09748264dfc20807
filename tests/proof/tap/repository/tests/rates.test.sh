. tests/lib.sh
. lib/rates.sh

is 'a light parcel' "$(base_rate 10)" 500
is 'a heavy parcel' "$(base_rate 9000)" 1500

insurance_is_a_share() {
    [ "$(insured 500 0)" = 500 ] || return 1
    [ "$(insured 500 10000)" = 600 ] || return 1
    [ "$(insured 900 25000)" = 1150 ] || return 1
}
holds 'the insurance is a share of the value' insurance_is_a_share

done_testing
