package parcels;

import static org.junit.Assert.*;

import org.junit.Test;

public class RatesTest {
    @Test
    public void base() {
        assertEquals(500, Rates.base(10));
        assertEquals(900, Rates.base(2000));
        assertEquals(0, Rates.base(30000));
    }

    @Test
    public void insured() {
        assertEquals(600, Rates.insured(500, 10000));
        assertEquals(500, Rates.insured(500, 0));
    }

    @Test
    public void initials() {
        assertEquals("AL", Rates.initials("Ann Lee"));
    }
}
