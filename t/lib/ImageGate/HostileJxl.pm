package ImageGate::HostileJxl;

# Small files of which a step of the decoder lasts for minutes, or takes gigabytes.

use strict;
use warnings;

use Compress::Zlib ();

# Packed by zlib: all into the first section, patches of which each looks at all others, rows of a palette
# that are predicted from whole ones, and a line of 300,000 groups.
my %HOSTILE = (
    'squeezed.jxl' => [503, '78dafbcf55b392f92fbf0027071b238308130304b0389080ac176d7cf8ff3fbfb896d20e06933bff3fc5ffedae7fabff77eafe0fd7ff6e8affda5d77' .
        '56ffa7e8fe07d77f17c5bfedae5dabff75eabe0bd77f1ac53fedaee9d5ff28baefc0f5ef9fe2ee7657e7eabf9dba77c3f5af9be2ae7657f9eabf14dd' .
        'bbe0fae7a2b8b3dd95bafa4fa7ee9970fda351dcd1ee0a5efd87a2369fe6ca3a1c609260b4d7657fb0fca97a3e337e0000f36f5345'],
    'patches.jxl' => [503, '78dafbcff54bfe457d83070f1f93032b830983f5a28d0fffffe73f251061719f21224180a18281cf6596062b434380c9920e5676c1bfdbffa3a80100' .
        '2c5f19ca'],
    'palette.jxl' => [503, '78dafbcf65c1c0c7e0c1a37740f40017830b03038303030b1c31582fdaf8f0ff7ffe53021116f759951418986180838991c104459a010080ab12f0'],
    'squeezes-of-a-line.jxl' => [415, '78dafbcf65c1c0d7e0c163b14388d1c18191610ec328189ac0818165148da251348a46d1281a45a368148da251348a46d120470cd68b363efcff9fff' .
        '944084c5fd48761e9d46c30fd78b58fe45fdfbb4ed40fce9f87bf11fe7b3fca964641e05a360148c8251300a46c1281805580107132383094aa38a01' .
        '00455872f9'],
);

sub names { return sort keys %HOSTILE }

# Puts one of them into a folder. Returns the status that it is answered with.
sub put {
    my ($file, $folder) = @_;
    my ($status, $packed) = @{$HOSTILE{$file}};
    open my $out, '>:raw', "$folder/$file" or die $!;
    print $out Compress::Zlib::uncompress(pack 'H*', $packed);
    close $out or die $!;
    return $status;
}

1;
