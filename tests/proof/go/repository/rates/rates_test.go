package rates

import "testing"

func TestBase(t *testing.T) {
	for _, row := range []struct {
		name          string
		weight, cents int
	}{
		{"light", 10, 500},
		{"middle", 2000, 900},
		{"heavy", 15000, 1600},
		{"too heavy", 30000, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Base(row.weight); got != row.cents {
				t.Errorf("Base(%d) = %d, want %d", row.weight, got, row.cents)
			}
		})
	}
}

func TestInsured(t *testing.T) {
	if got := Insured(500, 10000); got != 600 {
		t.Errorf("insured for %d", got)
	}
	if got := Insured(500, 0); got != 500 {
		t.Errorf("uninsured for %d", got)
	}
}
