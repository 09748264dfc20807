# Tells loom what each example came to: one JSON object per line, as it happens.
require 'json'

module Loom
  MOST = 20_000

  def self.cut(text)
    text = text.to_s.dup.force_encoding(Encoding::UTF_8).scrub('?')
    text.size <= MOST ? text : "#{text[0, MOST / 2]}\n[... cut ...]\n#{text[-MOST / 2, MOST / 2]}"
  end

  # An example without a description gets one made of its result: its own line of code is the same in every run.
  def self.names(metadata)
    own = metadata[:description_args].to_a.empty? ? line_of(metadata) : metadata[:description].to_s
    groups = []
    group = metadata[:example_group]
    while group
      groups.unshift(group[:description].to_s)
      group = group[:parent_example_group]
    end
    groups + [own]
  end

  def self.line_of(metadata)
    (@texts ||= {})[metadata[:absolute_file_path]] ||= File.readlines(metadata[:absolute_file_path], chomp: true)
    @texts[metadata[:absolute_file_path]][metadata[:line_number] - 1].to_s.strip
  rescue StandardError
    'example without a description'
  end

  def self.plain(parts)
    parts.map { |one| cut(one).gsub(/[[:cntrl:]\s]+/, ' ').strip }.reject(&:empty?).join('::')
  end

  # Which part of an example raised: only what its own code raises is its result.
  module Phase
    def run_before_example
      @loom_phase = 'before'
      super
      @loom_phase = 'call'
    end

    def run_after_example
      @loom_phase = 'after' unless exception
      super
    end

    attr_reader :loom_phase
  end

  class Formatter
    RSpec::Core::Formatters.register self, :start, :example_started, :example_passed, :example_failed, :example_pending,
                                     :message, :dump_summary, :close

    def initialize(output)
      @output = output
    end

    def start(notification)
      tell(k: 'start', count: notification.count)
    end

    def example_started(notification)
      tell(k: 'begin', **about(notification.example))
    end

    def example_passed(notification)
      tell(k: 'passed', **about(notification.example), **took(notification.example))
    end

    def example_pending(notification)
      result = notification.example.execution_result
      tell(k: 'pending', **about(notification.example), reason: Loom.cut(result.pending_message), expected: !result.pending_exception.nil?)
    end

    def example_failed(notification)
      example = notification.example
      tell(k: 'failed', **about(example), **took(example), **told(example.exception), fixed: example.execution_result.pending_fixed?,
           phase: example.respond_to?(:loom_phase) ? example.loom_phase : 'call')
    end

    def message(notification)
      tell(k: 'message', text: Loom.cut(notification.message))
    end

    def dump_summary(notification)
      outside = notification.respond_to?(:errors_outside_of_examples_count) ? notification.errors_outside_of_examples_count : 0
      tell(k: 'end', count: notification.example_count, outside: outside)
    end

    def close(_notification)
      @output.flush
    end

    private

    def about(example)
      { id: example.id, names: Loom.names(example.metadata).map { |one| Loom.cut(one) }, file: File.expand_path(example.metadata[:rerun_file_path]) }
    end

    def took(example)
      { secs: example.execution_result.run_time }
    end

    def told(error)
      all = error.respond_to?(:all_exceptions) && error.all_exceptions.any? ? error.all_exceptions : [error]
      first = all.first
      { mro: first.class.ancestors.grep(Class).map(&:name).compact, msg: all.map { |one| Loom.cut(one.message) }.join("\n"),
        frames: first.backtrace.to_a.first(60) }
    end

    def tell(**line)
      @output.puts(JSON.generate(line))
      @output.flush
    end
  end
end

RSpec::Core::Example.prepend(Loom::Phase) if RSpec::Core::Example.private_method_defined?(:run_before_example)

if (limit = ENV.delete('LOOM_CASE_LIMIT').to_f).positive?
  require 'timeout'
  Loom::Hang = Class.new(Timeout::Error)
  RSpec.configure do |config|
    config.around(:each) { |example| Timeout.timeout(limit, Loom::Hang, 'over the limit of one test') { example.run } }
  end
end

if (path = ENV.delete('LOOM_SELECTED')) && File.exist?(path)
  wanted = JSON.parse(File.read(path))
  RSpec.configure do |config|
    config.define_derived_metadata do |metadata|
      is_example = metadata.key?(:example_group) && metadata.key?(:execution_result)
      metadata[:loom_selected] = true if is_example && wanted.include?(Loom.plain(Loom.names(metadata)))
    end
    config.filter_run_including(loom_selected: true)
    config.run_all_when_everything_filtered = true
  end
end
