require 'parcels/rates'

RSpec.configure do |config|
  config.expect_with(:rspec) { |with| with.syntax = :expect }
end
