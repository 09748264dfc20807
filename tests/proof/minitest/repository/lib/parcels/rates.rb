# frozen_string_literal: true

module Parcels
  # What a parcel costs, in cents.
  class Rates
    TIERS = [[1000, 500], [5000, 900]].freeze

    def base(grams)
      TIERS.each { |limit, cents| return cents if grams < limit }
      1500
    end

    def insured(cents, value)
      cents + value / 100
    end

    def initials(name)
      name.split(/ /).map do |part|
        raise ArgumentError, 'a name without letters' if part.empty?

        part[0]
      end.join
    end
  end
end
