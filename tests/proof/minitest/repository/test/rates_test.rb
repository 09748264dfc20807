require 'test_helper'

class RatesTest < Minitest::Test
  def setup
    @rates = Parcels::Rates.new
  end

  def test_base
    assert_equal 500, @rates.base(10)
    assert_equal 1500, @rates.base(9000)
  end

  def test_insured
    assert_equal 600, @rates.insured(500, 10_000)
    assert_equal 500, @rates.insured(500, 0)
  end

  def test_initials
    assert_equal 'AL', @rates.initials('Ann Lee')
  end
end
