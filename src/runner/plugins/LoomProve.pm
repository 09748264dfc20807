package LoomProve;
# Tells loom what each test file prints: one JSON object per line. Lives in prove's own process, not in that of the tests.
use strict;
use warnings;
use base 'TAP::Formatter::Base';
use JSON::PP ();

my ( $out, $json );

sub _initialize {
    my ( $self, $args ) = @_;
    open $out, '>>', delete $ENV{LOOM_RESULTS} or die "loom: $!";
    $out->autoflush(1);
    $json = JSON::PP->new->utf8->canonical;
    return $self->SUPER::_initialize($args);
}

sub tell_loom { my %line = @_; print {$out} $json->encode( \%line ), "\n"; return }

sub open_test {
    my ( $self, $file, $parser ) = @_;
    tell_loom( k => 'open', file => $file );
    return LoomProve::Session->new($file, $parser);
}

sub summary {
    my ( $self, $aggregate ) = @_;
    tell_loom( k => 'end' );
    my $total = $aggregate->total;
    print "Files=", scalar( $aggregate->descriptions ), ", Tests=$total\n";
    return;
}

package LoomProve::Session;
use strict;
use warnings;

sub new { my ( $class, $file, $parser ) = @_; return bless { file => $file, parser => $parser, bytes => 0 }, $class }

sub result {
    my ( $self, $result ) = @_;
    my $raw = $result->raw;
    $raw = substr( $raw, 0, 4000 ) if length $raw > 4000;
    $self->{bytes} += length $raw;
    # What floods is kept only where it is a result.
    return if $self->{bytes} > 8_000_000 && !$result->is_test && !$result->is_plan;
    LoomProve::tell_loom( k => 'line', file => $self->{file}, text => $raw );
    print "$raw\n" if $self->{bytes} < 200_000;
    return;
}

sub close_test {
    my $self   = shift;
    my $parser = $self->{parser};
    LoomProve::tell_loom( k => 'close', file => $self->{file}, exit => $parser->exit, wait => $parser->wait );
    return;
}

sub clear_for_close { return }

1;
