. tests/lib.sh

is 'a label' "$(sh bin/parcel 'Ann Lee' 700 20000)" "$(cat tests/golden/label.txt)"
is 'a label tells the name' "$(sh bin/parcel 'Bo Day' 700 0 | sed -n 1p)" 'To:    Bo Day'

done_testing
