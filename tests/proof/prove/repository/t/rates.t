use strict;
use warnings;
use Test::More;
use Parcels::Rates;

my $rates = Parcels::Rates->new;

is($rates->base(10), 500, 'a light parcel');
is($rates->base(9000), 1500, 'a heavy parcel');
is($rates->insured(500, 10000), 600, 'a share of the value');
is($rates->insured(500, 0), 500, 'nothing of value');
is($rates->initials('Ann Lee'), 'AL', 'the first letters');

done_testing;
