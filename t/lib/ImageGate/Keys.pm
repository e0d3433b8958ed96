package ImageGate::Keys;

# Key files for tests of access_key: partners and the keys that they hold.
#
#     key_file(acme => 'KEY-ACME requests=5/day', beta => 'KEY-ONE,KEY-TWO disabled')
#     read_state("$dir/state")->{acme}{requests}

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);

use base 'Exporter';
our @EXPORT_OK = qw(key_file key_line read_state);

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

# The partners of a state file; nothing where there is none, or it is not whole.
sub read_state {
    my $path = shift;
    open my $in, '<:raw', $path or return {};
    my $file = do { local $/; <$in> };
    return {} if length $file < 52 || substr($file, 0, 8) ne "IGKEYS\0\4";
    my $sum = substr $file, -32, 32, '';
    return {} if sha256($file) ne $sum;
    my ($instance, $count) = unpack 'Q<V', substr $file, 8, 12;
    my $at = 20;
    my %partners;
    for (1 .. $count) {
        my $id = unpack 'C/a', substr $file, $at;
        $at += 1 + length $id;
        my ($requests, @rest) = unpack 'Q<23', substr $file, $at, 184;
        $at += 184 + 96 + 16;
        $at += 2 + 20 * unpack 'v', substr $file, $at, 2;
        my ($sent, $received, $refused, $first, $last) = @rest[5 .. 9];
        $partners{$id} = {
            requests => $requests, responses => [@rest[0 .. 4]], sent => $sent, received => $received,
            refused => $refused, first => $first, last => $last,
        };
    }
    return \%partners;
}

1;
