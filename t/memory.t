# What a worker keeps of the memory that images took.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: whichever threads they ran in, freed images go back to the system
--- skip_eval: 3:$ENV{TEST_NGINX_USE_VALGRIND}
--- config
    location / { image_resize resize $arg_w -; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-1600x1200.png');
    my $client = client();
    my %status;
    # Every thread of the pool gets its turn: it has 32.
    my $get = sub { $status{ $client->get("/photo-1600x1200.png?w=$_")->{status} }++ for @_ };
    $get->(700 .. 720);
    my $before = worker_memory('VmRSS');
    $get->(721 .. 790);
    my $after = worker_memory('VmRSS');
    Test::More::is_deeply(\%status, { 200 => 91 }, "$name - status");
    # A decoded image has 5.5 MiB.
    Test::More::cmp_ok($after, '<', 45, "$name - resident MiB");
    Test::More::cmp_ok($after, '<', $before + 8, "$name - growth from $before MiB");
}

=== TEST 2: a worker that has nothing to do gives back what it kept of them
--- skip_eval: 5:$ENV{TEST_NGINX_USE_VALGRIND}
--- config
    location /threads/ { image_resize resize $arg_w -; alias $TEST_NGINX_FIXTURES/; }
    location /loop/ {
        image_resize resize $arg_w -;
        image_resize_threads off;
        alias $TEST_NGINX_FIXTURES/;
    }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-1600x1200.png');
    my $client = client();
    my $before = worker_memory('VmRSS');
    for my $where (qw(threads loop)) {
        my %status;
        $status{ $client->get("/$where/photo-1600x1200.png?w=$_")->{status} }++ for 1500 .. 1505;
        Test::More::is_deeply(\%status, { 200 => 6 }, "$name - $where, status");
        # Kept would be 12 MiB and more; what remains is code that ran, and tables.
        my $last = 0;
        my $settles = wait_for(10, sub { ($last = worker_memory('VmRSS')) < $before + 8 });
        Test::More::ok($settles, "$name - $where, from $before to $last MiB");
    }
}
