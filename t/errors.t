# Bad input, limits and overload: the right status, the right word, one line in the log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

start_upstream();
$ENV{TEST_NGINX_UPSTREAM} = "http://127.0.0.1:$ENV{TEST_NGINX_UPSTREAM_PORT}";

# Where one job runs at a time: one location whose jobs take long, of which so many may wait, and one
# whose jobs don't.
sub slow_and_quick {
    my $waiting = shift;
    return <<"E_";
    add_header X-Error \$image_resize_error always;
    add_header X-Conn \$connection always;
    location /slow/ {
        image_resize convert;
        image_resize_format webp;
        image_resize_webp_quality 90 effort=6;
        image_resize_sharpen 1;
        image_resize_limit jobs=1 queue=$waiting time=60s;
        alias \$TEST_NGINX_FIXTURES/;
    }
    location /quick/ {
        image_resize resize 10 -;
        image_resize_limit jobs=1 queue=1 time=60s;
        alias \$TEST_NGINX_FIXTURES/;
    }
E_
}

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: what is no image
--- config
    add_header X-Error $image_resize_error always;
    add_header X-Status $image_resize_status always;
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
--- rows
/empty.bin      415 X-Error=not_image X-Status=error Content-Type=text/html log=info:not_image:0
/one.bin        415 X-Error=not_image log=info:not_image:1
/text.txt       415 X-Error=not_image log=info:not_image:720
/text.jpg       415 X-Error=not_image log=info:not_image
/zeros.bin      415 X-Error=not_image log=info:not_image:4096
/picture.psd    415 X-Error~^(not_image|unsupported_format)$ log=info
/fax.tiff       415 X-Error~^(not_image|unsupported_format)$ log=info
/magic.jpg      415 X-Error~^(not_image|decode_failed)$ log=info
/magic.png      415 X-Error~^(not_image|decode_failed)$ log=info
/magic.gif      415 X-Error~^(not_image|decode_failed)$ log=info
/magic.webp     415 X-Error~^(not_image|decode_failed)$ log=info
/absent.png     404 !X-Error X-Status=passed
/quad-100x120.png 200 png 50x60 !X-Error X-Status=transformed log=none


=== TEST 2: the same from an upstream, of known and unknown length
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/plain/empty.bin        415 X-Error=not_image log=info:not_image:0
/plain/one.bin          415 X-Error=not_image log=info:not_image
/plain/text.txt         415 X-Error=not_image log=info:not_image:720
/chunked/empty.bin      415 X-Error=not_image log=info:not_image
/chunked/one.bin        415 X-Error=not_image log=info:not_image
/chunked/text.txt       415 X-Error=not_image log=info:not_image
/close/empty.bin        415 X-Error=not_image log=info:not_image
/close/text.txt         415 X-Error=not_image log=info:not_image


=== TEST 3: truncated files are errors, not grey halves, where nothing is tolerated
--- config
    add_header X-Error $image_resize_error always;
    image_resize_damaged strict;
    location /convert/ { image_resize convert; image_resize_format png; image_resize_sharpen 1; alias $TEST_NGINX_FIXTURES/; }
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
--- rows
/trunc_photo-300x200.jpg                415 X-Error=decode_failed log=info:decode_failed:10674
/trunc_photo-300x200-progressive.jpg    415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-600x400-progressive.jpg    415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200-gray.jpg           415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200-ycck.jpg           415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200.png                415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200-interlaced.png     415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200-palette.png        415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200-16.png             415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200.gif                415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200-interlaced.gif     415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200.webp               415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200-lossless.webp      415 X-Error=decode_failed log=info:decode_failed
/trunc_photo-300x200-alpha.webp         415 X-Error=decode_failed log=info:decode_failed
/convert/trunc_photo-300x200.jpg        415 X-Error=decode_failed log=info:decode_failed
/convert/trunc_photo-300x200.gif        415 X-Error=decode_failed log=info:decode_failed
/convert/trunc_photo-300x200-progressive.jpg 415 X-Error=decode_failed log=info:decode_failed


=== TEST 4: cut at any place, never an answer that looks whole to the strict
--- config
    image_resize_damaged strict;
    location / { image_resize resize 50 -; root $TEST_NGINX_HTML_DIR; }
--- script eval
sub {
    my $name = shift;
    my $c = client(timeout => 20);
    for my $file (qw(photo-120x80.jpg photo-120x80-progressive.jpg photo-120x80.png photo-120x80.gif
                     photo-120x80.webp photo-120x80-lossless.webp)) {
        my $whole = fixture($file);
        my $n = length $whole;
        my @wrong;
        # the last bytes may be dispensable padding or an end marker
        for my $k (1 .. 24) {
            my $cut = int($n * $k / 26);
            my $path = "$ENV{TEST_NGINX_HTML_DIR}/$cut-$file";
            open my $out, '>', $path or die $!;
            binmode $out;
            print $out substr $whole, 0, $cut;
            close $out;
            my $r = $c->get("/$cut-$file");
            push @wrong, "$cut of $n bytes: $r->{status} " . ($r->{error} || '') if $r->{status} != 415;
            unlink $path;
        }
        Test::More::ok(!@wrong, "$name - $file") or Test::More::diag(CORE::join "\n", @wrong);
    }
}


=== TEST 5: headers that promise what is not there
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
--- rows
/bomb-65535x65535.png           415 X-Error=too_many_pixels log=info:too_many_pixels
/bomb-70000x70000.png           415 X-Error=too_many_pixels log=info:too_many_pixels
/bomb-2147483647x1.png          415 X-Error=too_many_pixels log=info:too_many_pixels
/zero-0x10.png                  415 X-Error~^(not_image|decode_failed)$ log=info
/lying-65500x65500.jpg          415 X-Error=too_many_pixels log=info:too_many_pixels
/lying-5000x5000.jpg            415 X-Error=decode_failed log=info:decode_failed
/lying-16383x16383.webp         415 X-Error=too_many_pixels log=info:too_many_pixels
/lying-65535x65535.gif          415 X-Error=too_many_pixels log=info:too_many_pixels
# nothing of it has to be decoded
/frames-5000.gif                200 same=frames-5000.gif
/scans-1000.jpg                 415 X-Error~^(too_many_\w+|decode_failed)$ log=info


=== TEST 6: bombs cost no memory
--- config
    image_resize_damaged strict;
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /p/ { image_resize resize 50 -; image_resize_buffer 4m; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- script eval
sub {
    my $name = shift;
    if ($ENV{TEST_NGINX_USE_VALGRIND}) {
        SKIP: { Test::More::skip("$name - memory is not the module's own under valgrind", 2) }
        return;
    }
    my @files = qw(bomb-65535x65535.png bomb-70000x70000.png lying-65500x65500.jpg lying-5000x5000.jpg
                   lying-16383x16383.webp lying-65535x65535.gif frames-5000.gif scans-1000.jpg
                   trunc_photo-300x200.jpg empty.bin one.bin text.txt);
    fixture_path($_) for @files, 'quad-100x120.png', 'bomb.gz';
    my $c = client(timeout => 20);
    $c->get("/$_") for 'quad-100x120.png', @files;
    my $before = worker_memory('VmHWM');
    my $wrong = 0;
    for my $round (1 .. 5) {
        for my $f (@files) {
            my $r = $c->get("/$f");
            $wrong++ if $r->{status} != 415;
        }
        my $r = $c->get('/p/gzip/bomb.gz');
        $wrong++ if $r->{status} != 415;
    }
    my $grown = worker_memory('VmHWM') - $before;
    Test::More::is($wrong, 0, "$name - every answer is 415");
    Test::More::cmp_ok($grown, '<', 40, "$name - MiB grown");
}


=== TEST 7: too large, known before and found while reading
--- config
    add_header X-Error $image_resize_error always;
    image_resize_buffer 10k;
    location /static/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location / { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /u/ { image_resize resize 50 -; proxy_buffering off; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/static/photo-300x200.jpg               415 X-Error=too_large log=info:too_large
/plain/photo-300x200.jpg                415 X-Error=too_large log=info:too_large
/chunked/photo-300x200.jpg              415 X-Error=too_large log=info:too_large
/chunked,chunk=100/photo-300x200.jpg    415 X-Error=too_large log=info:too_large
/close/photo-300x200.jpg                415 X-Error=too_large log=info:too_large
/u/chunked/photo-300x200.jpg            415 X-Error=too_large log=info:too_large
/u/plain/photo-300x200.jpg              415 X-Error=too_large log=info:too_large
/static/quad-100x120.png                200 png 50x60


=== TEST 8: image_resize_limit pixels, width, height, output_pixels
--- config
    add_header X-Error $image_resize_error always;
    location /p1/ { image_resize resize 150 -; image_resize_limit pixels=59999; alias $TEST_NGINX_FIXTURES/; }
    location /p2/ { image_resize resize 150 -; image_resize_limit pixels=60000; alias $TEST_NGINX_FIXTURES/; }
    location /p3/ { image_resize resize 150 -; image_resize_limit pixels=59k; alias $TEST_NGINX_FIXTURES/; }
    location /p5/ { image_resize resize 50 -; image_resize_limit pixels=59k; alias $TEST_NGINX_FIXTURES/; }
    location /p6/ { image_resize resize 50 -; image_resize_limit pixels=1k; alias $TEST_NGINX_FIXTURES/; }
    location /p4/ { image_resize resize 150 -; image_resize_limit pixels=60k; alias $TEST_NGINX_FIXTURES/; }
    location /w1/ { image_resize resize 150 -; image_resize_limit width=299; alias $TEST_NGINX_FIXTURES/; }
    location /w2/ { image_resize resize 150 -; image_resize_limit width=300; alias $TEST_NGINX_FIXTURES/; }
    location /h1/ { image_resize resize 150 -; image_resize_limit height=199; alias $TEST_NGINX_FIXTURES/; }
    location /h2/ { image_resize resize 150 -; image_resize_limit height=200; alias $TEST_NGINX_FIXTURES/; }
    location /o1/ { image_resize resize 150 -; image_resize_limit output_pixels=14999; alias $TEST_NGINX_FIXTURES/; }
    location /o2/ { image_resize resize 150 -; image_resize_limit output_pixels=15000; alias $TEST_NGINX_FIXTURES/; }
    location /all/ { image_resize resize 150 -; image_resize_limit pixels=60000 width=300 height=200 frames=1 output_pixels=15000 scans=100 time=10s memory=100m jobs=1 queue=1; alias $TEST_NGINX_FIXTURES/; }
--- rows
/p1/photo-300x200.jpg   415 X-Error=too_many_pixels log=info:too_many_pixels
# a JPEG is decoded smaller than it is where that is enough
/p5/photo-300x200.jpg   200 jpeg 50x33
/p6/photo-300x200.jpg   415 X-Error=too_many_pixels log=info:too_many_pixels
/p1/photo-300x200.png   415 X-Error=too_many_pixels log=info:too_many_pixels
/p1/photo-300x200.gif   415 X-Error=too_many_pixels log=info:too_many_pixels
/p1/photo-300x200.webp  415 X-Error=too_many_pixels log=info:too_many_pixels
/p1/photo-300x200-progressive.jpg 415 X-Error=too_many_pixels
/p2/photo-300x200.jpg   200 jpeg 150x100
/p3/photo-300x200.png   415 X-Error=too_many_pixels
/p4/photo-300x200.png   200 png 150x100
/w1/photo-300x200.jpg   415 X-Error=too_many_pixels log=info
/w1/photo-300x200.webp  415 X-Error=too_many_pixels log=info
/w2/photo-300x200.jpg   200 jpeg 150x100
/h1/photo-300x200.jpg   415 X-Error=too_many_pixels log=info
/h1/photo-300x200.png   415 X-Error=too_many_pixels log=info
/h2/photo-300x200.png   200 png 150x100
/o1/photo-300x200.jpg   415 X-Error=too_many_pixels log=info
/o2/photo-300x200.jpg   200 jpeg 150x100
/all/photo-300x200.jpg  200 jpeg 150x100


=== TEST 9: image_resize_limit frames, pixels of all frames, scans
--- config
    add_header X-Error $image_resize_error always;
    image_resize_damaged strict;
    location /lenient/ { image_resize resize 50 -; image_resize_damaged lenient; image_resize_limit frames=2; alias $TEST_NGINX_FIXTURES/; }
    location /f1/ { image_resize resize 50 -; image_resize_limit frames=2; alias $TEST_NGINX_FIXTURES/; }
    location /f2/ { image_resize resize 50 -; image_resize_limit frames=3; alias $TEST_NGINX_FIXTURES/; }
    location /p1/ { image_resize resize 50 -; image_resize_limit pixels=35999; alias $TEST_NGINX_FIXTURES/; }
    location /p2/ { image_resize resize 50 -; image_resize_limit pixels=36000; alias $TEST_NGINX_FIXTURES/; }
    location /s1/ { image_resize resize 150 -; image_resize_limit scans=5; alias $TEST_NGINX_FIXTURES/; }
    location /s2/ { image_resize resize 150 -; image_resize_limit scans=20; alias $TEST_NGINX_FIXTURES/; }
--- rows
/f1/quad-100x120-animated.gif   415 X-Error=too_many_frames log=info:too_many_frames
/f1/quad-100x120-animated.webp  415 X-Error=too_many_frames log=info:too_many_frames
/lenient/quad-100x120-animated.gif 200 gif 50x60 frames=1
/f2/quad-100x120-animated.gif   200 gif 50x60
/f2/quad-100x120-animated.webp  200 webp 50x60
/p1/quad-100x120-animated.gif   415 X-Error=too_many_pixels
/p1/quad-100x120-animated.webp  415 X-Error=too_many_pixels
/p2/quad-100x120-animated.gif   200 gif 50x60
/s1/photo-300x200-progressive.jpg 415 log=info
/s1/photo-300x200.jpg           200 jpeg 150x100
/s2/photo-300x200-progressive.jpg 200 jpeg 150x100


=== TEST 10: the default limits: 200 million pixels, 65535 a side
--- user_files eval
my $png = sub {
    my ($w, $h) = @_;
    my $row = "\0" . "\x7f" x $w;
    return "\x89PNG\r\n\x1a\n"
        . ImageGate::Fixtures::png_chunk('IHDR', pack('NNCCCCC', $w, $h, 8, 0, 0, 0, 0))
        . ImageGate::Fixtures::png_chunk('IDAT', Compress::Zlib::compress($row x $h))
        . ImageGate::Fixtures::png_chunk('IEND', '');
};
[ [ 'w1.png', $png->(65535, 2) ], [ 'w2.png', $png->(65536, 2) ], [ 'h1.png', $png->(2, 65535) ], [ 'h2.png', $png->(2, 65536) ],
  [ 'p2.png', ImageGate::Fixtures::bomb_png(16000, 12501) ] ]
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 50 50; root $TEST_NGINX_HTML_DIR; }
--- rows
/w1.png         200 png 50x1
/w2.png         415 X-Error=too_many_pixels
/h1.png         200 png 1x50
/h2.png         415 X-Error=too_many_pixels
/p2.png         415 X-Error=too_many_pixels


=== TEST 11: the queue is full: 503 with Retry-After, and the connection stays
--- threads
--- config eval: main::slow_and_quick(1)
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    fixture_path('quad-100x120.png');
    my $log = ImageGate::error_log_size();
    my ($a, $b, $c) = map { client(timeout => 60) } 1 .. 3;
    $a->send('GET', '/slow/noise-2400x1600-q90.jpg');
    select undef, undef, undef, 0.3;
    $b->send('GET', '/slow/noise-2400x1600-q90.jpg');
    select undef, undef, undef, 0.1;
    my $busy = $c->get('/quick/quad-100x120.png');
    Test::More::is($busy->{status}, 503, "$name - the third");
    Test::More::like($busy->{h}{'retry-after'} || '', qr/^\d+$/, "$name - Retry-After");
    Test::More::is($busy->{h}{'x-error'}, 'busy', "$name - word");
    Test::More::ok(!$a->readable(0) && !$b->readable(0), "$name - while two are at work");
    my @lines = grep { /\[error\].*busy.*\/quick\// } error_lines($log);
    Test::More::is(scalar @lines, 1, "$name - one line at error");
    for ($a, $b) {
        my $r = $_->recv;
        Test::More::is($r->{status}, 200, "$name - the others are served");
        my @bad = check_image($r->{body}, 'webp 2400x1600');
        Test::More::ok(!@bad, "$name - with their pictures") or Test::More::diag("@bad");
    }
    my $again = $c->get('/quick/quad-100x120.png');
    Test::More::is($again->{status}, 200, "$name - then there is room again");
    Test::More::is($again->{h}{'x-conn'}, $busy->{h}{'x-conn'}, "$name - on the same connection");
}


=== TEST 12: queue=0: only what can run at once
--- threads
--- config
    add_header X-Error $image_resize_error always;
    location / {
        image_resize convert;
        image_resize_format webp;
        image_resize_webp_quality 90 effort=6;
        image_resize_sharpen 1;
        image_resize_limit jobs=1 queue=0 time=60s;
        alias $TEST_NGINX_FIXTURES/;
    }
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    my ($a, $b) = map { client(timeout => 60) } 1 .. 2;
    $a->send('GET', '/noise-2400x1600-q90.jpg');
    select undef, undef, undef, 0.3;
    my $busy = $b->get('/noise-2400x1600-q90.jpg');
    Test::More::is($busy->{status}, 503, "$name - the second");
    Test::More::is($a->recv->{status}, 200, "$name - the first");
    Test::More::is($b->get('/noise-2400x1600-q90.jpg')->{status}, 200, "$name - one alone");
}


=== TEST 13: error_page for 503; a client that left makes room
--- threads
--- config
    location / {
        image_resize convert;
        image_resize_format webp;
        image_resize_webp_quality 90 effort=6;
        image_resize_sharpen 1;
        image_resize_limit jobs=1 queue=1 time=60s;
        error_page 503 /busy;
        alias $TEST_NGINX_FIXTURES/;
    }
    location = /busy { internal; return 503 "busy, $image_resize_error\n"; }
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    my ($a, $b, $c) = map { client(timeout => 60) } 1 .. 3;
    $a->send('GET', '/noise-2400x1600-q90.jpg');
    select undef, undef, undef, 0.3;
    $b->send('GET', '/noise-2400x1600-q90.jpg');
    select undef, undef, undef, 0.1;
    my $busy = $c->get('/noise-2400x1600-q90.jpg');
    Test::More::is($busy->{status}, 503, "$name - busy");
    Test::More::is($busy->{body}, "busy, busy\n", "$name - the page, and the word survives the redirect");
    $b->close;
    select undef, undef, undef, 0.2;
    $c->send('GET', '/noise-2400x1600-q90.jpg');
    my $r = $c->recv;
    Test::More::is($r->{status}, 200, "$name - the place in the queue was freed");
    Test::More::is($a->recv->{status}, 200, "$name - and the first is served");
}


=== TEST 14: time is up: 503 with Retry-After
--- config
    add_header X-Error $image_resize_error always;
    add_header X-Time $image_resize_time always;
    location / {
        image_resize convert;
        image_resize_format webp;
        image_resize_webp_quality 90 effort=6;
        image_resize_sharpen 1;
        image_resize_limit time=20ms;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /enough/ { image_resize resize 50 -; image_resize_limit time=30s; alias $TEST_NGINX_FIXTURES/; }
--- rows
/noise-2400x1600-q90.jpg        503 X-Error=timeout Retry-After~^\d+$ log=error:timeout keepalive
/noise-2400x1600-q90.jpg        503 X-Error=timeout Retry-After~^\d+$ keepalive
/enough/noise-2400x1600-q90.jpg 200 jpeg 50x33 !X-Error


=== TEST 15: memory: jobs wait until they fit; one that is larger than all is no deadlock
--- config
    add_header X-Error $image_resize_error always;
    location /some/ { image_resize resize 300 -; image_resize_limit memory=8m jobs=8; alias $TEST_NGINX_FIXTURES/; }
    location /tiny/ { image_resize resize 300 -; image_resize_limit memory=100k; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-1200x800-q95.jpg');
    my @c = map { client(timeout => 60) } 1 .. 12;
    $_->send('GET', '/some/noise-1200x800-q95.jpg') for @c;
    my $ok = grep { my $r = $_->recv; $r->{status} == 200 && inspect($r->{body})->{width} == 300 } @c;
    Test::More::is($ok, 12, "$name - all are served");
    my $r = client(timeout => 30)->get('/tiny/noise-1200x800-q95.jpg');
    Test::More::like($r->{status}, qr/^(200|415|503)$/, "$name - an answer")
        or Test::More::diag($r->{error} || '');
}


=== TEST 16: bad values of variables
--- config
    add_header X-Error $image_resize_error always;
    location / {
        image_resize resize $arg_w -;
        image_resize_jpeg_quality $arg_q;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/photo-300x200.jpg?w=0&q=80     415 X-Error=bad_params log=info:bad_params
/photo-300x200.jpg?w=x&q=80     415 X-Error=bad_params log=info:bad_params
/photo-300x200.jpg?w=50&q=0     415 X-Error=bad_params log=info:bad_params
/photo-300x200.jpg?w=50&q=80    200 jpeg 50x33 !X-Error


=== TEST 17: the word outlives error_page, in a page and in the log
--- http_config
    log_format word '[$status $image_resize_error $image_resize_status]';
--- config
    access_log $TEST_NGINX_SERVER_ROOT/logs/access.log word;
    location / { image_resize resize 50 -; error_page 415 /page; alias $TEST_NGINX_FIXTURES/; }
    location /named/ { image_resize resize 50 -; error_page 415 =404 @named; alias $TEST_NGINX_FIXTURES/; }
    location = /page { internal; return 415 "$image_resize_error\n"; }
    location @named { return 404 "$image_resize_error\n"; }
--- rows
/text.txt               415 body=not_image%0a
/bomb-65535x65535.png   415 body=too_many_pixels%0a
/trunc_photo-300x200.jpg 415 body=decode_failed%0a
/named/text.txt         404 body=not_image%0a
--- access_log eval
[ qr/^\[415 not_image error\]$/, qr/^\[415 too_many_pixels error\]$/, qr/^\[415 decode_failed error\]$/, qr/^\[404 not_image error\]$/ ]


=== TEST 18: control characters of a URI don't make lines in the log
--- config
    location ~ ^/a { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/text.txt; }
--- script eval
sub {
    my $name = shift;
    my $log = ImageGate::error_log_size();
    fixture_path('text.txt');
    my $r = client()->get('/a%0A2026/01/01%2000:00:00%20[alert]%20forged');
    my @forged = grep { m{^2026/01/01} } error_lines($log);
    Test::More::is(scalar @forged, 0, "$name - no forged line");
    Test::More::is($r->{status}, 415, "$name - status");
    my @real = grep { /image_resize/ } error_lines($log);
    Test::More::is(scalar @real, 1, "$name - the real one");
}
--- no_error_log
[crit]


=== TEST 19: many that are turned away: not a line for each
--- threads
--- config eval: main::slow_and_quick(9)
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    fixture_path('quad-100x120.png');
    my $log = ImageGate::error_log_size();
    my @slow = map { client(timeout => 60) } 1 .. 9;
    for (@slow) {
        $_->send('GET', '/slow/noise-2400x1600-q90.jpg');
        select undef, undef, undef, 0.05;
    }
    my $gone = client();
    $gone->send('GET', '/quick/quad-100x120.png');
    $gone->close;
    my @clients = map { client(timeout => 60) } 1 .. 4;
    my ($refused, $wrong, @lines) = (1, 0);
    # What a line says that it stands for, and itself, is all there was before it.
    for (1 .. 40) {
        $_->send('GET', '/quick/quad-100x120.png') for @clients;
        for (map { $_->recv } @clients) {
            $refused++;
            $wrong++ if $_->{status} != 503 || $_->{h}{'x-error'} ne 'busy' || !$_->{h}{'retry-after'};
        }
        @lines = grep { /busy: the queue is full/ } error_lines($log);
        last if @lines > 1;
    }
    Test::More::is($wrong, 0, "$name - all were told to come again");
    Test::More::cmp_ok(scalar @lines, '<', $refused / 2, "$name - of $refused");
    my ($others) = ($lines[-1] || '') =~ /as (\d+) times since the line before, uri/;
    Test::More::ok($others && $others < $refused && $others + scalar(@lines) + 5 > $refused,
                   "$name - and all were counted") or Test::More::diag(@lines);
    $_->close for $gone, @slow, @clients;
    Test::More::is(client()->get('/slow/quad-100x120.png')->{status}, 200, "$name - it goes on");
}
