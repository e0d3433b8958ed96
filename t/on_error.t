# image_resize_on_error and image_resize_pass: what an error becomes, and what is no error.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

start_upstream();

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: the status, unless told otherwise
--- config
    location / { image_resize resize 10 10; alias $TEST_NGINX_FIXTURES/; }
    location /415/ { image_resize resize 10 10; image_resize_on_error 415; alias $TEST_NGINX_FIXTURES/; }
--- rows
# trunc_photo-300x200.jpg
/trunc_photo-300x200.jpg        415
/415/trunc_photo-300x200.jpg    415
/415/text.txt                   415


=== TEST 2: the original
--- config
    image_resize_on_error original;
    add_header X-Status $image_resize_status always;
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 10 $arg_h; alias $TEST_NGINX_FIXTURES/; }
    location /p/ { image_resize resize 10 10; proxy_http_version 1.1; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
    location /off/ { image_resize resize 10 10; image_resize_threads off; alias $TEST_NGINX_FIXTURES/; }
    location /limited/ { image_resize resize 10 10; image_resize_limit width=50; alias $TEST_NGINX_FIXTURES/; }
    location /small/ { image_resize resize 10 10; image_resize_buffer 100; alias $TEST_NGINX_FIXTURES/; }
    location /415/ { image_resize resize 10 10; image_resize_on_error 415; alias $TEST_NGINX_FIXTURES/; }
    location /marked/ {
        image_resize resize 10 10;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-40x40.png;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /missing/ {
        image_resize resize 10 10;
        image_resize_watermark /no/such$uri;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/trunc_photo-300x200.jpg?h=10   200 same=trunc_photo-300x200.jpg etag=strong Content-Type=image/jpeg X-Status=original X-Error=decode_failed log=info:decode_failed
HEAD /trunc_photo-300x200.jpg?h=10  200 empty etag=same X-Status=original
/text.txt?h=10                  200 same=text.txt X-Status=original X-Error=not_image
/picture.psd?h=10               200 same=picture.psd X-Status=original X-Error=unsupported_format
/empty.bin?h=10                 200 empty X-Error=not_image
# a variable that is wrong is found before the source is read
/photo-300x200.jpg?h=0          200 same=photo-300x200.jpg X-Status=original X-Error=bad_params log=info:bad_params
/photo-300x200.jpg?h=10         200 jpeg 10x6 X-Status=transformed !X-Error
/off/trunc_photo-300x200.jpg    200 same=trunc_photo-300x200.jpg X-Status=original
/p/plain/trunc_photo-300x200.jpg      200 same=trunc_photo-300x200.jpg X-Status=original X-Error=decode_failed
/p/slow,piece=100,ms=5/text.txt 200 same=text.txt X-Status=original X-Error=not_image
/p/chunked/text.txt             200 same=text.txt X-Status=original
# limits keep their status
/limited/photo-300x200.jpg      415 X-Status=error X-Error=too_many_pixels
/small/photo-300x200.jpg        415 X-Status=error X-Error=too_large
/415/text.txt                   415 X-Error=not_image
# what was to get a watermark does not go out without one
/marked/trunc_photo-300x200.jpg 415 X-Status=error X-Error=decode_failed
/marked/text.txt                415 X-Error=not_image
/missing/photo-300x200.jpg      415 X-Error=watermark_failed
/no-such.jpg                    404


=== TEST 3: the original of an encoded source
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / {
            gzip on;
            gzip_types *;
            gzip_min_length 1;
            alias $TEST_NGINX_FIXTURES/;
        }
    }
--- config
    location / {
        image_resize resize 10 10;
        image_resize_on_error original;
        add_header X-Error $image_resize_error always;
        proxy_http_version 1.1;
        proxy_set_header Accept-Encoding gzip;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/;
    }
--- script eval
sub {
    my $name = shift;
    fixture_path('text.txt');
    require Compress::Zlib;
    my $r = client()->get('/text.txt');
    Test::More::is($r->{h}{'content-encoding'}, 'gzip', "$name - coding");
    Test::More::is(Compress::Zlib::memGunzip($r->{body}), fixture('text.txt'), "$name - body");
    Test::More::is($r->{h}{'x-error'}, 'not_image', "$name - word");
}


=== TEST 4: another URI, once
--- config
    add_header X-Error $image_resize_error always;
    location /a/ {
        image_resize resize 10 $arg_h;
        image_resize_on_error =/fallback.png?from=a;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /named/ {
        image_resize resize 10 10;
        image_resize_on_error =@other;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /p/ {
        image_resize resize 10 10;
        image_resize_on_error =/fallback.png;
        proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
    }
    location /loop/ {
        image_resize resize 10 10;
        image_resize_on_error =/loop/text.txt;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /page/ {
        image_resize resize 10 10;
        image_resize_limit width=50;
        image_resize_on_error =/fallback.png;
        error_page 415 =415 /text;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /variable/ {
        image_resize resize 10 10;
        image_resize_on_error =$arg_to;
        alias $TEST_NGINX_FIXTURES/;
    }
    location = /fallback.png {
        image_resize resize 20 20;
        alias $TEST_NGINX_FIXTURES/quad-100x120.png;
        add_header X-Args "$args" always;
    }
    location @other { return 404 "named"; }
    location = /text { return 200 "page"; }
--- rows
/a/photo-300x200.jpg?h=10       200 jpeg 10x6
/a/trunc_photo-300x200.jpg?h=10 200 png 16x20 X-Args=from=a
HEAD /a/trunc_photo-300x200.jpg?h=10 200 empty Content-Type=image/png
/a/text.txt?h=10                200 png 16x20
/a/photo-300x200.jpg?h=0        200 png 16x20
/a/quad-100x120.png?h=10        200 png 8x10
/named/text.txt                 404 body=named
/p/plain/trunc_photo-300x200.jpg      200 png 16x20
/p/slow,piece=100,ms=5/text.txt 200 png 16x20
/p/plain/text.txt                     200 png 16x20
/loop/text.txt                  415 X-Error=not_image
/loop/photo-300x200.jpg         200 jpeg 10x6
/page/photo-300x200.jpg         415 body=page X-Error=too_many_pixels
/page/flat-20x20.png            200 png 10x10
/variable/text.txt?to=/fallback.png     200 png 16x20
/variable/text.txt?to=                  415
/variable/text.txt?to=http://example.org 415


=== TEST 5: SVG passes where it is let
--- http_config
    types { image/svg+xml svg; image/jpeg jpg; text/plain txt; }
--- config
    add_header X-Status $image_resize_status always;
    location /no/ { image_resize resize 10 10; alias $TEST_NGINX_FIXTURES/; }
    location /test/ { image_resize test; image_resize_pass svg; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; image_resize_pass svg; alias $TEST_NGINX_FIXTURES/; }
    location /svg/ {
        image_resize resize 10 10;
        image_resize_pass svg;
        alias $TEST_NGINX_FIXTURES/;
        location /svg/child/ { alias $TEST_NGINX_FIXTURES/; }
        location /svg/off/ { image_resize_pass off; alias $TEST_NGINX_FIXTURES/; }
    }
    location /charset/ { charset utf-8; charset_types image/svg+xml; image_resize resize 10 10; image_resize_pass svg; alias $TEST_NGINX_FIXTURES/; }
--- rows
/no/logo.svg                    200 png 10x10
/svg/logo.svg                   200 same=logo.svg Content-Type=image/svg+xml X-Status=passed etag=strong
HEAD /svg/logo.svg              200 empty Content-Type=image/svg+xml
/svg/photo-300x200.jpg          200 jpeg 10x6 X-Status=transformed
/svg/text.txt                   415
/svg/child/logo.svg             200 same=logo.svg
/svg/off/logo.svg               200 png 10x10
/test/logo.svg                  200 same=logo.svg X-Status=passed
/size/logo.svg                  200 body={%20"img"%20:%20{%20"width":%2010,%20"height":%2010,%20"type":%20"svg"%20}%20}%0D%0A
/charset/logo.svg               200 same=logo.svg
