. tests/lib.sh
. lib/names.sh

is 'the first letters' "$(initials 'Ann Lee')" 'AL'
is 'one name' "$(initials 'Ann')" 'An'

done_testing
