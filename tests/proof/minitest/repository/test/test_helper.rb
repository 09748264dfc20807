require 'minitest/autorun'
require 'parcels/rates'
