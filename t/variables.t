# Every $image_resize_* variable, as a header and in the access log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

start_upstream();
$ENV{TEST_NGINX_UPSTREAM} = "http://127.0.0.1:$ENV{TEST_NGINX_UPSTREAM_PORT}";


plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: a transformed answer, in headers
--- config
    location / {
        image_resize resize 150 -;
        image_resize_format $arg_f;
        add_header X-Status $image_resize_status;
        add_header X-Error "[$image_resize_error]";
        add_header X-Format $image_resize_format;
        add_header X-Width $image_resize_width;
        add_header X-Height $image_resize_height;
        add_header X-Source-Format $image_resize_source_format;
        add_header X-Source-Width $image_resize_source_width;
        add_header X-Source-Height $image_resize_source_height;
        add_header X-Source-Bytes $image_resize_source_bytes;
        add_header X-Bytes $image_resize_bytes;
        add_header X-Time $image_resize_time;
        add_header X-Queue-Time $image_resize_queue_time;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/photo-300x200.jpg?f=original  200 jpeg 150x100 X-Status=transformed X-Error=[] X-Format=jpeg X-Width=150 X-Height=100 X-Source-Format=jpeg X-Source-Width=300 X-Source-Height=200 X-Source-Bytes=21349 X-Bytes~^\d+$ X-Time~^\d+[.]\d\d\d$ X-Queue-Time~^\d+[.]\d\d\d$
/photo-300x200.png?f=webp      200 webp 150x100 X-Status=transformed X-Format=webp X-Source-Format=png X-Source-Width=300 X-Source-Height=200
/photo-300x200.gif?f=png       200 png 150x100 X-Format=png X-Source-Format=gif
/photo-300x200.webp?f=gif      200 gif 150x100 X-Format=gif X-Source-Format=webp
/quad-100x120.png?f=original   200 png 100x120 X-Status=original X-Format=png X-Width=100 X-Height=120 X-Source-Width=100 X-Source-Height=120 X-Source-Bytes=343 X-Bytes=343
HEAD /photo-300x200.jpg?f=png  200 X-Status=transformed X-Format=png X-Width=150 X-Bytes~^\d+$


=== TEST 2: $image_resize_bytes is the length of the body
--- config
    location / {
        image_resize resize 150 -;
        add_header X-Bytes $image_resize_bytes;
        alias $TEST_NGINX_FIXTURES/;
    }
--- script eval
sub {
    my $name = shift;
    for my $f (qw(photo-300x200.jpg photo-300x200.png photo-300x200.gif photo-300x200.webp quad-100x120.png)) {
        fixture_path($f);
        my $r = client()->get("/$f");
        Test::More::is($r->{h}{'x-bytes'}, length $r->{body}, "$name - $f");
    }
}


=== TEST 3: other outcomes, in headers
--- config
    add_header X-Status "[$image_resize_status]" always;
    add_header X-Error "[$image_resize_error]" always;
    add_header X-Width "[$image_resize_width]" always;
    add_header X-Format "[$image_resize_format]" always;
    add_header X-Source-Format "[$image_resize_source_format]" always;
    add_header X-Source-Bytes "[$image_resize_source_bytes]" always;
    add_header X-Time "[$image_resize_time]" always;
    location /r/    { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /off/  { alias $TEST_NGINX_FIXTURES/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /404/  { image_resize resize 10 10; alias $TEST_NGINX_FIXTURES/none/; }
    location /r301  { image_resize resize 10 10; return 301 /x; }
--- rows
/r/text.txt             415 X-Status=[error] X-Error=[not_image] X-Width=[] X-Format=[]
/off/photo-300x200.jpg  200 X-Status=[] X-Error=[] X-Width=[] X-Format=[] X-Source-Format=[] X-Time=[]
/test/photo-300x200.jpg 200 X-Status=[passed] X-Error=[] X-Source-Format=[jpeg] X-Time=[]
/test/text.txt          415 X-Status=[error] X-Error=[not_image]
/404/photo-300x200.jpg  404 X-Status=[passed] X-Error=[] X-Time=[]
/r301                   301 X-Status=[passed]
/r/photo-300x200.jpg    200 X-Status=[transformed] X-Width=[150] X-Source-Bytes=[21349]
/r/photo-300x200.jpg [If-None-Match: $etag] 304 X-Status=[not_modified] X-Error=[] X-Time=[]
/size/photo-300x200.jpg 200 X-Error=[] X-Source-Format=[jpeg] X-Source-Bytes=[21349]


=== TEST 4: all of them in the access log
--- http_config
    log_format all '<$uri> s=$image_resize_status e=$image_resize_error f=$image_resize_format w=$image_resize_width h=$image_resize_height'
        ' sf=$image_resize_source_format sw=$image_resize_source_width sh=$image_resize_source_height sb=$image_resize_source_bytes'
        ' b=$image_resize_bytes t=$image_resize_time q=$image_resize_queue_time sent=$body_bytes_sent.';
--- config
    access_log $TEST_NGINX_SERVER_ROOT/logs/access.log all;
    location /r/    { image_resize resize 150 -; image_resize_format webp; alias $TEST_NGINX_FIXTURES/; }
    location /p/    { image_resize resize 150 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /off/  { alias $TEST_NGINX_FIXTURES/; }
--- rows
/r/photo-300x200.jpg            200 webp 150x100
/r/text.txt                     415
/p/chunked/photo-300x200.png    200 png 150x100
/p/plain/absent.png             404
/off/photo-300x200.gif          200
--- access_log eval
[
    qr{^</r/photo-300x200.jpg> s=transformed e=- f=webp w=150 h=100 sf=jpeg sw=300 sh=200 sb=21349 b=(\d+) t=\d+[.]\d\d\d q=\d+[.]\d\d\d sent=\1[.]$},
    qr{^</r/text.txt> s=error e=not_image f=- w=- h=- .* sb=(-|720) b=- },
    qr{^</p/chunked/photo-300x200.png> s=transformed e=- f=png w=150 h=100 sf=png sw=300 sh=200 sb=\d+ b=(\d+) t=\d+[.]\d+ q=\d+[.]\d+ sent=\1[.]$},
    qr{^</p/plain/absent.png> s=passed e=- f=- w=- h=- sf=- sw=- sh=- sb=- b=- t=- q=- },
    qr{^</off/photo-300x200.gif> s=- e=- f=- w=- h=- sf=- sw=- sh=- sb=- b=- t=- q=- },
]


=== TEST 5: where they are not known yet they are empty, and not remembered so
--- config
    location / {
        set $early "[$image_resize_width]";
        image_resize resize 150 -;
        add_header X-Early $early;
        add_header X-Late "[$image_resize_width]";
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/photo-300x200.jpg      200 jpeg 150x100 X-Early=[] X-Late=[150]


=== TEST 6: in a map, and to choose what is logged
--- http_config
    map $image_resize_status $is_ours { transformed 1; default 0; }
    log_format uri 'logged $uri';
--- config
    access_log $TEST_NGINX_SERVER_ROOT/logs/access.log uri if=$is_ours;
    location /r/    { image_resize resize 150 -; add_header X-Ours $is_ours; alias $TEST_NGINX_FIXTURES/; }
--- rows
/r/photo-300x200.jpg    200 jpeg 150x100
/r/quad-100x120.png     200 same=quad-100x120.png
--- access_log
logged /r/photo-300x200.jpg
--- no_access_log
logged /r/quad-100x120.png


=== TEST 7: a job that took its time says so
--- config
    location / {
        image_resize convert;
        image_resize_format webp;
        image_resize_webp_quality 90 effort=6;
        image_resize_sharpen 1;
        image_resize_limit jobs=1 time=60s;
        add_header X-Time $image_resize_time;
        add_header X-Queue-Time $image_resize_queue_time;
        add_header X-Request-Time $request_time;
        alias $TEST_NGINX_FIXTURES/;
    }
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-1200x800-q95.jpg');
    my ($a, $b) = (client(timeout => 60), client(timeout => 60));
    $a->send('GET', '/noise-1200x800-q95.jpg');
    select undef, undef, undef, 0.1;
    $b->send('GET', '/noise-1200x800-q95.jpg');
    my ($ra, $rb) = ($a->recv, $b->recv);
    my ($first, $second) = ($ra->{h}{'x-queue-time'}, $rb->{h}{'x-queue-time'});
    Test::More::cmp_ok($ra->{h}{'x-time'}, '>', 0.005, "$name - time of the job");
    Test::More::cmp_ok($second, '>', $first, "$name - the second waited, the first did not");
    Test::More::cmp_ok($rb->{h}{'x-queue-time'} + $rb->{h}{'x-time'}, '<=', $rb->{h}{'x-request-time'} + 0.01,
        "$name - and both fit into the request's time");
}


=== TEST 8: a proxied error page still knows
--- config
    location / { image_resize resize 150 -; error_page 415 = @fallback; alias $TEST_NGINX_FIXTURES/; }
    location @fallback {
        rewrite ^ /plain/quad-20x24.png break;
        add_header X-Error "[$image_resize_error]" always;
        add_header X-Status "[$image_resize_status]" always;
        proxy_set_header X-Why $image_resize_error;
        proxy_pass $TEST_NGINX_UPSTREAM;
    }
--- rows
/text.txt       200 same=quad-20x24.png X-Error=[not_image] X-Status=[error]
