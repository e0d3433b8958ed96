# image_resize_threads: nginx's default pool, another, or the event loop.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

# Threads of the worker, or of the only process there is.
sub tasks {
    my @tasks = glob '/proc/' . worker_pid() . '/task/*';
    return scalar @tasks;
}

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: the same answers with the default pool, a pool of its own and without threads
--- main_config
    thread_pool img threads=2 max_queue=100;
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /named/   { image_resize resize 150 -; image_resize_threads img; alias $TEST_NGINX_FIXTURES/; }
    location /off/     { image_resize resize 150 -; image_resize_threads off; alias $TEST_NGINX_FIXTURES/; }
--- threads
--- rows
/default/photo-300x200.jpg      200 jpeg 150x100 psnr>28:photo-300x200.jpg
/named/photo-300x200.jpg        200 again
/off/photo-300x200.jpg          200 again etag=same
/named/text.txt                 415
/off/text.txt                   415
/off/trunc_photo-300x200.jpg    415
HEAD /off/photo-300x200.jpg     200 Content-Type=image/jpeg
/off/photo-300x200.png          200 png 150x100
/off/quad-100x120.png           200 same=quad-100x120.png


=== TEST 2: without threads nobody starts any
--- config
    image_resize_threads off;
    location / { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    Test::More::is(client()->get('/photo-300x200.jpg')->{status}, 200, "$name - status");
    Test::More::is(main::tasks(), 1, "$name - one thread");
}


=== TEST 3: a pool of its own, and only that
--- main_config
    thread_pool img threads=3;
--- config
    image_resize_threads img;
    location / { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
--- threads
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    Test::More::is(client()->get('/photo-300x200.jpg')->{status}, 200, "$name - status");
    Test::More::is(main::tasks(), 4, "$name - three threads and the loop");
}


=== TEST 4: where the filter is off, no pool is started for it
--- config
    location / { image_resize off; alias $TEST_NGINX_FIXTURES/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    Test::More::is(client()->get('/photo-300x200.jpg')->{status}, 200, "$name - status");
    Test::More::is(main::tasks(), 1, "$name - one thread");
}


=== TEST 5: inheritance
--- main_config
    thread_pool img threads=5;
--- http_config
    image_resize_threads off;
--- config
    location /a/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /b/ { image_resize resize 150 -; image_resize_threads img; alias $TEST_NGINX_FIXTURES/; }
--- threads
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    Test::More::is(client()->get("/$_/photo-300x200.jpg")->{status}, 200, "$name - $_") for 'a', 'b';
    Test::More::is(main::tasks(), 6, "$name - five threads and the loop");
}


=== TEST 6: the loop answers others while a job runs
--- config
    location / {
        image_resize convert;
        image_resize_format webp;
        image_resize_webp_quality 90 effort=6;
        image_resize_sharpen 1;
        image_resize_limit time=60s;
        alias $TEST_NGINX_FIXTURES/;
    }
    location = /other { return 200 other; }
--- threads
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    my $slow = client(timeout => 60);
    $slow->send('GET', '/noise-2400x1600-q90.jpg');
    select undef, undef, undef, 0.2;
    my $other = client();
    my $n = 0;
    while (!$slow->readable(0) && $n < 20) {
        my $r = $other->get('/other');
        last if $r->{status} != 200;
        $n++;
    }
    Test::More::is($n, 20, "$name - twenty answers before the job was done");
    Test::More::is($slow->recv->{status}, 200, "$name - and then that of the job");
}


=== TEST 7: a thread pool that is too small makes no wrong answer
--- main_config
    thread_pool img threads=1 max_queue=2;
--- config
    location / {
        image_resize resize 700 -;
        image_resize_threads img;
        image_resize_limit jobs=20 queue=64;
        add_header X-Error $image_resize_error always;
        alias $TEST_NGINX_FIXTURES/;
    }
--- threads
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-1200x800-q95.jpg');
    my @c = map { client(timeout => 60) } 1 .. 12;
    $_->send('GET', '/noise-1200x800-q95.jpg') for @c;
    my %n;
    for (@c) {
        my $r = $_->recv;
        my $right = $r->{status} == 200 && inspect($r->{body})->{width} == 700;
        $n{ $right ? 200 : $r->{status} == 200 ? 'wrong' : $r->{status} . ' ' . ($r->{h}{'x-error'} || '') }++;
    }
    my $all = CORE::join ', ', map { "$n{$_} times $_" } sort keys %n;
    Test::More::cmp_ok($n{200} || 0, '>=', 1, "$name - some are served ($all)");
    Test::More::is(($n{200} || 0) + ($n{'503 busy'} || 0), 12, "$name - the others are told to come again ($all)");
}
--- no_error_log
[emerg]
[crit]


=== TEST 8: many jobs at once through two threads
--- main_config
    thread_pool img threads=2;
--- config
    location ~ ^/(?<w>\d+)/(?<f>.+)$ {
        image_resize resize $w -;
        image_resize_threads img;
        image_resize_limit jobs=4;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- threads
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-600x400.jpg');
    my @c = map { my $c = client(timeout => 60); $c->send('GET', "/$_/photo-600x400.jpg"); [$c, $_] } 100 .. 149;
    my $ok = grep { my $r = $_->[0]->recv; $r->{status} == 200 && inspect($r->{body})->{width} == $_->[1] } @c;
    Test::More::is($ok, 50, "$name - every client got its own");
}


=== TEST 9: an unknown pool
--- config
    location / { image_resize resize 10 10; image_resize_threads nowhere; }
--- threads
--- must_die
--- error_log
[emerg]
unknown thread pool "nowhere"
--- suppress_stderr


=== TEST 8: a large JPEG is the same by one reader and by two
--- main_config
    thread_pool img threads=3;
--- http_config
    image_resize_threads img;
--- config
    location /two/ { image_resize resize $arg_width -; alias $TEST_NGINX_FIXTURES/; }
    location /one/ { image_resize resize $arg_width -; image_resize_threads off; alias $TEST_NGINX_FIXTURES/; }
    location /little/ {
        image_resize       resize $arg_width -;
        image_resize_limit memory=10m;
        alias              $TEST_NGINX_FIXTURES/;
    }
--- threads
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-4000x3000-q75.jpg');
    my $made = sub { client()->get("/$_[0]/noise-4000x3000-q75.jpg?width=$_[1]") };
    for my $width (200, 800, 1500) {
        my $one = $made->('one', $width);
        Test::More::is($one->{status}, 200, "$name - $width");
        # Whether a processor is idle changes by the moment.
        for (1 .. 5) {
            my $two = $made->('two', $width);
            Test::More::ok($two->{body} eq $one->{body}, "$name - $width, two");
            select undef, undef, undef, 0.05;
        }
    }
    my ($one, $little) = map { $made->($_, 800) } 'one', 'little';
    Test::More::ok($little->{body} eq $one->{body}, "$name - without memory for another one");
    Test::More::is(main::tasks(), 4, "$name - three threads and the loop");
}
