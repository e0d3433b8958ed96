# Under load: clients that leave at any point while nginx reloads all the time, then the
# same, smaller, under memcheck. t/stress/abort-reload does it and can be run by hand.
#
# TEST_NGINX_STRESS_REQUESTS   how many, 2000 unless set
# TEST_NGINX_STRESS_VALGRIND   how many under memcheck, 60 unless set; 0 for none

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ImageGate::Stress qw(run_stress);

my $requests = $ENV{TEST_NGINX_STRESS_REQUESTS} // 2000;
my $watched = $ENV{TEST_NGINX_STRESS_VALGRIND} // 60;

sub run {
    my ($name, @args) = @_;
    ok(run_stress('abort-reload', $name, @args) >= 6, "$name - all was checked");
}

run('reloads', "--requests=$requests");
run('one worker, no reload', '--requests=' . int($requests / 4), '--reload=0', '--workers=1', '--clients=8');

SKIP: {
    skip 'TEST_NGINX_STRESS_VALGRIND is 0', 1 if !$watched;
    chomp(my $valgrind = `sh -c 'command -v valgrind'`);
    skip 'valgrind is not installed', 1 if $valgrind eq '';
    run('memcheck', "--requests=$watched", '--valgrind', '--workers=1', '--clients=3', '--reload=3');
}

done_testing();
