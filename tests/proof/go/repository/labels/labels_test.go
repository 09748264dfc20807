package labels_test

import (
	"fmt"
	"os"
	"testing"

	"example.com/parcels/labels"
)

func TestLabel(t *testing.T) {
	want, err := os.ReadFile("testdata/label.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := labels.Label("Ann Lee", 1205); got != string(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func ExampleInitials() {
	fmt.Println(labels.Initials("Ann Lee"))
	// Output: AL
}
