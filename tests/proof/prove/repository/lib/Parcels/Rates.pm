package Parcels::Rates;

use strict;
use warnings;

# What a parcel costs, in cents.
my @TIERS = ([1000, 500], [5000, 900]);

sub new { return bless {}, shift }

sub base {
    my ($self, $grams) = @_;
    for my $tier (@TIERS) {
        return $tier->[1] if $grams < $tier->[0];
    }
    return 1500;
}

sub insured {
    my ($self, $cents, $value) = @_;
    return $cents + int($value / 100);
}

sub initials {
    my ($self, $name) = @_;
    my $letters = '';
    for my $part (split / /, $name) {
        die 'a name without letters' if $part eq '';
        $letters .= substr($part, 0, 1);
    }
    return $letters;
}

1;
