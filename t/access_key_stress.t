# Partners under load, for a short time. t/stress/partners does it and can be run by hand, for
# longer.

use strict;
use warnings;

use FindBin;
use Test::More;

my $script = "$FindBin::Bin/stress/partners";

# Forwards what the script prints as tests of ours.
sub run {
    my ($name, $checks, @args) = @_;
    open my $out, '-|', $^X, $script, @args or die "$script: $!";
    my $n = 0;
    my $last = 1;
    while (<$out>) {
        chomp;
        if (/^(not )?ok - (.*)/) {
            $n++;
            $last = !$1;
            ok($last, "$name - $2");
        } elsif (/^#\s?(.*)/) {
            note($1);
        } else {
            diag($_);
        }
    }
    close $out;
    is($? >> 8, 0, "$name - exit") or diag("$script @args");
    is($n, $checks, "$name - all was checked");
}

run('quota', 10, 'quota', '--runs=2');
run('quota over reloads', 3, 'quota', '--reload=0.3');
run('killed workers', 7, 'kill', '--seconds=4');
run('keys of nobody', 5, 'random', '--requests=10000');

done_testing();
