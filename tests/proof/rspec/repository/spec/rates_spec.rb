# frozen_string_literal: true

RSpec.describe Parcels::Rates do
  subject(:rates) { described_class.new }

  describe '#base' do
    it 'rises with the weight' do
      expect(rates.base(10)).to eq 500
      expect(rates.base(9000)).to eq 1500
    end
  end

  describe '#insured' do
    it 'adds a share of the value' do
      expect(rates.insured(500, 10_000)).to eq 600
      expect(rates.insured(500, 0)).to eq 500
    end
  end

  it 'takes the first letters' do
    expect(rates.initials('Ann Lee')).to eq 'AL'
  end
end
