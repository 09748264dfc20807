<?php

namespace Parcels;

/** What a parcel costs, in cents. */
class Rates
{
    private const TIERS = [[1000, 500], [5000, 900]];

    public function base(int $grams): int
    {
        foreach (self::TIERS as [$limit, $cents]) {
            if ($grams < $limit) {
                return $cents;
            }
        }
        return 1500;
    }

    public function insured(int $cents, int $value): int
    {
        return $cents + intdiv($value, 100);
    }

    public function initials(string $name): string
    {
        $letters = '';
        foreach (explode(' ', $name) as $part) {
            if ($part === '') {
                throw new \RuntimeException('a name without letters');
            }
            $letters .= $part[0];
        }
        return $letters;
    }
}
