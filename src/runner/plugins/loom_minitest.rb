# Tells loom what each test of minitest came to: one JSON object per line, as it happens.
# Loaded into every Ruby process of the suite, long before minitest is; those without it are left alone.
if (path = ENV['LOOM_RESULTS'])
  require 'json'

  module LoomResults
    MOST = 20_000
    PATH = ENV['LOOM_RESULTS']
    WRITE = File.open(PATH, 'a')

    def self.cut(text)
      text = text.to_s.dup.force_encoding(Encoding::UTF_8).scrub('?')
      text.size <= MOST ? text : "#{text[0, MOST / 2]}\n[... cut ...]\n#{text[-MOST / 2, MOST / 2]}"
    end

    # One write per line: tests may run on threads and in children.
    def self.tell(**line)
      WRITE.syswrite("#{JSON.generate({ p: Process.pid, **line })}\n")
    end

    # What minitest asks of a reporter; no superclass, because there is none yet.
    class Reporter
      def start
        @began = Process.pid
        LoomResults.tell(k: 'start')
      end

      def prerecord(klass, name)
        file, = klass.instance_method(name).source_location
        LoomResults.tell(k: 'begin', cls: klass.name.to_s, name: name.to_s, file: file && File.expand_path(file))
      rescue NameError
        LoomResults.tell(k: 'begin', cls: klass.name.to_s, name: name.to_s)
      end

      def record(result)
        file, = result.source_location if result.respond_to?(:source_location)
        cls = result.respond_to?(:klass) ? result.klass : result.class.name
        LoomResults.tell(k: 'result', cls: cls.to_s, name: result.name.to_s, file: file && File.expand_path(file), secs: result.time,
                         faults: result.failures.map { |fault| told(fault) })
      end

      def report
        LoomResults.tell(k: 'end')
      end

      def passed?
        true
      end

      def method_missing(*); end

      def respond_to_missing?(*)
        false
      end

      private

      def told(fault)
        error = fault.respond_to?(:error) && fault.error || fault
        kind = fault.class.name.to_s
        kind = 'skip' if fault.is_a?(::Minitest::Skip)
        { kind: kind, mro: error.class.ancestors.grep(Class).map(&:name).compact, msg: "#{error.class}: #{LoomResults.cut(error.message)}",
          frames: error.backtrace.to_a.first(60) }
      end
    end

    LIMIT = ENV['LOOM_CASE_LIMIT'].to_f

    # Ends a test that hangs; minitest takes it for an error of that test.
    module Limit
      def run
        Timeout.timeout(LIMIT, LoomResults::HANG, 'over the limit of one test') { super }
      end
    end

    module Hook
      def init_plugins(options)
        super
        reporter << Reporter.new
        return unless LIMIT.positive? && defined?(::Minitest::Test)

        require 'timeout'
        LoomResults.const_set(:HANG, Class.new(Timeout::Error)) unless LoomResults.const_defined?(:HANG)
        ::Minitest::Test.prepend(Limit)
      end
    end
  end

  waiting = TracePoint.new(:end) do |point|
    if defined?(::Minitest) && point.self.equal?(::Minitest) && ::Minitest.respond_to?(:init_plugins)
      waiting.disable
      ::Minitest.singleton_class.prepend(LoomResults::Hook)
    end
  end
  waiting.enable
end
