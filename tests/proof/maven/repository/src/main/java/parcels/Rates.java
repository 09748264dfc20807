package parcels;

/** What a parcel costs. */
public final class Rates {
    private static final int[][] TIERS = {{1000, 500}, {5000, 900}, {20000, 1600}};

    private Rates() {}

    /** The price of a weight in grams. */
    public static int base(int weight) {
        for (int[] one : TIERS) {
            if (weight < one[0]) {
                return one[1];
            }
        }
        return 0;
    }

    /** A cent more for every hundred of the value. */
    public static int insured(int cents, int value) {
        return cents + value / 100;
    }

    /** The first letters of a name. */
    public static String initials(String name) {
        StringBuilder out = new StringBuilder();
        for (String part : name.split(" ")) {
            out.append(part.charAt(0));
        }
        return out.toString();
    }
}
