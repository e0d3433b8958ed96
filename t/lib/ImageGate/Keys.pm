package ImageGate::Keys;

# Key files for tests of access_key: partners and the keys that they hold.
#
#     key_file(acme => 'KEY-ACME requests=5/day', beta => 'KEY-ONE,KEY-TWO disabled')

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);

use base 'Exporter';
our @EXPORT_OK = qw(key_file key_line);

sub key_line {
    my ($id, $text) = @_;
    my ($keys, $words) = split / /, $text, 2;
    my $digests = join ',', map { 'sha256:' . sha256_hex($_) } split /,/, $keys;
    return join(' ', $id, $digests, defined $words ? $words : ()) . "\n";
}

sub key_file {
    my $text = "# partners\n";
    while (@_) {
        my ($id, $rest) = splice @_, 0, 2;
        $text .= key_line($id, $rest);
    }
    return $text;
}

1;
