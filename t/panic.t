# A panic while an event is handled: its request is answered, and others are, too. For a module that
# was built with the feature "test-panic" (make test-panic): "?panic=EVENT" panics there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

if (!$ENV{TEST_NGINX_PANIC}) {
    plan skip_all => 'the module was not built to panic: make test-panic';
}

start_upstream();
$ENV{TEST_NGINX_UPSTREAM} = "http://127.0.0.1:$ENV{TEST_NGINX_UPSTREAM_PORT}";

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: every event
--- config
    image_resize_limit jobs=1 queue=1;
    location /t/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /i/ { image_resize resize 50 -; image_resize_threads off; alias $TEST_NGINX_FIXTURES/; }
    location /p/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /b/ { image_resize resize 50 -; image_resize_limit jobs=1 queue=0; alias $TEST_NGINX_FIXTURES/; }
    location /e/ { image_resize resize 50 -; error_page 500 /page; alias $TEST_NGINX_FIXTURES/; }
    location = /page { return 200 page; }
--- rows
/t/quad-100x120.png                     200 png 50x60
/t/quad-100x120.png?panic=complete      500 Content-Type=text/html
/t/quad-100x120.png                     200 png 50x60
/i/quad-100x120.png?panic=wake          500
/i/quad-100x120.png                     200 png 50x60
/t/text.txt?panic=complete              500
/p/plain/zeros.bin?panic=wake           500
/p/plain/quad-100x120.png?panic=complete 500
/p/plain/quad-100x120.png               200 png 50x60
/e/quad-100x120.png?panic=complete      500 body=page
HEAD /t/quad-100x120.png?panic=complete 500 empty
/t/quad-100x120.png                     200 png 50x60
--- error_log eval
[qr/\[error\] \d+#\d+: image_gate: internal error at \S+\.rs:\d+$/m, qr/a handler ended by an internal error.*request: "GET/]
--- no_error_log
[alert]
[crit]


=== TEST 2: nothing is left that a shutdown would wait for
--- config
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('quad-100x120.png');
    my $c = client();
    for (1 .. 3) {
        my $r = $c->get('/quad-100x120.png?panic=complete');
        Test::More::is($r->{status}, 500, "$name - panic $_");
    }
    my $r = client()->get('/quad-100x120.png');
    Test::More::is($r->{status}, 200, "$name - others");
}
--- no_error_log
[alert]
[crit]


=== TEST 3: while a job is out, its end is the end of what failed, though a picture answers
--- config
    location / {
        image_resize resize 1200 -;
        image_resize_format webp;
        image_resize_webp_quality 90 effort=6;
        image_resize_limit jobs=1 queue=9;
        error_page 500 /page/quad-100x120.png;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /page/ {
        image_resize resize 50 -;
        image_resize_limit jobs=1 queue=9;
        alias $TEST_NGINX_FIXTURES/;
    }
--- threads
--- script eval
sub {
    my $name = shift;
    fixture_path($_) for 'quad-100x120.png', 'noise-2400x1600-q90.jpg';
    # The first job is on the thread, the others wait for it.
    my @c = map { client(timeout => 60) } 1 .. 3;
    $_->send('GET', '/noise-2400x1600-q90.jpg?panic=timer') for @c;
    for my $which (1 .. @c) {
        my $r = $c[$which - 1]->recv;
        my $image = inspect($r->{body});
        Test::More::is("$r->{status} $image->{format} $image->{width}", '500 png 50', "$name - $which");
    }
    my $r = client()->get('/page/quad-100x120.png');
    Test::More::is($r->{status}, 200, "$name - others");
}
--- no_error_log
[alert]
[crit]
