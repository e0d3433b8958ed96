# Partners under load, for a short time. t/stress/partners does it and can be run by hand, for
# longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ImageGate::Stress qw(run_stress);

sub run {
    my ($name, $checks, @args) = @_;
    is(run_stress('partners', $name, @args), $checks, "$name - all was checked");
}

run('quota', 10, 'quota', '--runs=2');
run('credit', 10, 'quota', '--runs=2', '--per=total');
run('quota over reloads', 3, 'quota', '--reload=0.3');
run('killed workers', 7, 'kill', '--seconds=4');
run('keys of nobody', 5, 'random', '--requests=10000');

done_testing();
