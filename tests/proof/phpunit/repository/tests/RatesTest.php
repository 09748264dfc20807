<?php

use Parcels\Rates;
use PHPUnit\Framework\TestCase;

final class RatesTest extends TestCase
{
    public function testBase(): void
    {
        $rates = new Rates();
        $this->assertSame(500, $rates->base(10));
        $this->assertSame(1500, $rates->base(9000));
    }

    public function testInsured(): void
    {
        $rates = new Rates();
        $this->assertSame(600, $rates->insured(500, 10000));
        $this->assertSame(500, $rates->insured(500, 0));
    }

    public function testInitials(): void
    {
        $this->assertSame('AL', (new Rates())->initials('Ann Lee'));
    }
}
