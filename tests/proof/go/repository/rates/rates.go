// Package rates says what a parcel costs.
package rates

type tier struct{ limit, cents int }

var tiers = []tier{{1000, 500}, {5000, 900}, {20000, 1600}}

// Base is the price of a weight in grams.
func Base(weight int) int {
	for _, one := range tiers {
		if weight < one.limit {
			return one.cents
		}
	}
	return 0
}

// Insured adds a cent for every hundred of the value.
func Insured(cents, value int) int {
	return cents + value/100
}
