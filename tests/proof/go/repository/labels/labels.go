// Package labels says what is printed on a parcel.
package labels

import (
	"fmt"
	"strings"
)

// Initials takes the first letter of each name.
func Initials(name string) string {
	var out strings.Builder
	for _, part := range strings.Split(name, " ") {
		out.WriteByte(part[0])
	}
	return out.String()
}

// Label has the initials and the price.
func Label(name string, cents int) string {
	return fmt.Sprintf("%s %d.%02d\n", Initials(name), cents/100, cents%100)
}
