package ImageGate::Stress;

# Scripts of t/stress/ as tests: each of their lines "ok" or "not ok" is one.

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use Test::More;

our @EXPORT_OK = qw(run_stress);

# Runs a script and answers how many tests it made.
sub run_stress {
    my ($script, $name, @args) = @_;
    my $path = "$FindBin::Bin/stress/$script";
    open my $out, '-|', $^X, $path, @args or die "$path: $!";
    my $n = 0;
    my $last = 1;
    while (<$out>) {
        chomp;
        if (/^(not )?ok - (.*)/) {
            $n++;
            $last = !$1;
            ok($last, "$name - $2");
        } elsif (/^#\s?(.*)/) {
            $last ? note($1) : diag($1);
        } else {
            diag($_);
        }
    }
    close $out;
    is($? >> 8, 0, "$name - exit") or diag("$path @args");
    return $n;
}

1;
