# off, test, size, convert: everything of image_resize that is not geometry.

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

=== TEST 1: off is the default and touches nothing
--- config
    location /a/ { alias $TEST_NGINX_FIXTURES/; }
    location /b/ { image_resize off; alias $TEST_NGINX_FIXTURES/; }
    location /c/ { image_resize off; image_resize_buffer 10; image_resize_format webp; alias $TEST_NGINX_FIXTURES/; types { image/jpeg jpg; } }
--- rows
/a/quad-100x120.webp    200 same=quad-100x120.webp Content-Type=text/plain etag=strong Accept-Ranges=bytes
/b/quad-100x120.webp    200 same=quad-100x120.webp Content-Type=text/plain etag=same Accept-Ranges=bytes
/a/quad-100x120.jpg     200 same=quad-100x120.jpg Content-Type=image/jpeg etag=strong Accept-Ranges=bytes
/c/quad-100x120.jpg     200 same=quad-100x120.jpg Content-Type=image/jpeg etag=same Accept-Ranges=bytes
/b/text.txt             200 same=text.txt
/b/empty.bin            200 empty
/b/quad-100x120.jpg [Range: bytes=0-9]  206 Content-Range~^bytes%200-9/ Content-Length=10
/b/quad-100x120.jpg [If-None-Match: $etag]  304 empty


=== TEST 2: test lets images through unchanged, with the type they have
--- config
    location /t/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
--- rows
/t/quad-100x120.jpg             200 same=quad-100x120.jpg Content-Type=image/jpeg
/t/quad-100x120.png             200 same=quad-100x120.png Content-Type=image/png
/t/quad-100x120.gif             200 same=quad-100x120.gif Content-Type=image/gif
/t/quad-100x120.webp            200 same=quad-100x120.webp Content-Type=image/webp
/t/quad-100x120-alpha.webp      200 same=quad-100x120-alpha.webp Content-Type=image/webp
/t/quad-100x120-animated.gif    200 same=quad-100x120-animated.gif Content-Type=image/gif
/t/photo-600x400-progressive.jpg 200 same=photo-600x400-progressive.jpg Content-Type=image/jpeg
/t/quad-100x120-exif6.jpg       200 same=quad-100x120-exif6.jpg Content-Type=image/jpeg
/t/noise-1200x800-q95.jpg       200 same=noise-1200x800-q95.jpg Content-Type=image/jpeg


=== TEST 3: test answers 415 to anything else
--- config
    location /t/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
--- rows
/t/text.txt             415
/t/text.jpg             415
/t/empty.bin            415
/t/one.bin              415
/t/zeros.bin            415
/t/logo.svg             415
/t/picture.psd          415
/t/absent.jpg           404


=== TEST 4: test streams, whatever the declared type is
--- config
    location /t/ {
        image_resize test;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /p/ {
        image_resize test;
        proxy_buffer_size 1k;
        proxy_buffers 4 1k;
        proxy_busy_buffers_size 2k;
        proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
    }
    location /u/ {
        image_resize test;
        proxy_buffering off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
    }
--- rows
/t/noise-1200x800-q95.jpg                       200 same=noise-1200x800-q95.jpg Content-Type=image/jpeg
/p/plain/noise-1200x800-q95.jpg                 200 same=noise-1200x800-q95.jpg Content-Type=image/jpeg
/p/chunked,type=text:html/quad-100x120.png    200 same=quad-100x120.png Content-Type=image/png
/p/chunked,chunk=1/quad-100x120.png             200 same=quad-100x120.png Content-Type=image/png
/u/chunked,chunk=1/quad-100x120.gif             200 same=quad-100x120.gif Content-Type=image/gif
/u/slow,piece=1,ms=1/quad-3x3.png               200 same=quad-3x3.png Content-Type=image/png
/u/close/quad-100x120.webp                      200 same=quad-100x120.webp Content-Type=image/webp
/p/chunked,type=image:png/text.txt            415
/u/chunked,chunk=1,type=image:png/text.txt    415
/u/close/one.bin                                415
/u/chunked/empty.bin                            415
/p/status,code=404/quad-100x120.png             404 same=quad-100x120.png


=== TEST 5: what test lets through begins to arrive before the whole is there
--- config
    location /u/ {
        image_resize test;
        proxy_buffering off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
    }
--- script eval
sub {
    my $name = shift;
    my $c = client();
    # half of it, then nothing for three seconds, then the end
    $c->send('GET', '/u/stall,s=3/quad-100x120.jpg');
    my $begin = time;
    Test::More::ok($c->readable(2.5), "$name - first bytes before the upstream is done");
    my $r = $c->recv;
    Test::More::is($r->{status}, 200, "$name - status");
    Test::More::is($r->{h}{'content-type'}, 'image/jpeg', "$name - type");
    Test::More::like($r->{error} || '', qr/^closed after/, "$name - and the break is no proper end");
}
--- no_error_log
[alert]


=== TEST 6: size, byte for byte
--- config
    location /s/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
--- request
GET /s/quad-100x120.jpg
--- response_headers
Content-Type: application/json
--- response_body eval
qq({ "img" : { "width": 100, "height": 120, "type": "jpeg" } }\r\n)


=== TEST 7: size of every format, and of what is no image
--- config
    location /s/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
--- rows
/s/quad-100x120.png     200 Content-Type=application/json Content-Length=60 body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"png"%20}%20}%0d%0a
/s/quad-100x120.gif     200 Content-Type=application/json body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"gif"%20}%20}%0d%0a
/s/quad-100x120.webp    200 body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"webp"%20}%20}%0d%0a
/s/quad-100x120-lossless.webp 200 body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"webp"%20}%20}%0d%0a
/s/quad-100x120-alpha.webp 200 body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"webp"%20}%20}%0d%0a
/s/photo-600x400-progressive.jpg 200 body={%20"img"%20:%20{%20"width":%20600,%20"height":%20400,%20"type":%20"jpeg"%20}%20}%0d%0a
/s/quad-1x1.gif         200 body={%20"img"%20:%20{%20"width":%201,%20"height":%201,%20"type":%20"gif"%20}%20}%0d%0a
/s/wide-70000x1.png     200 body={%20"img"%20:%20{%20"width":%2070000,%20"height":%201,%20"type":%20"png"%20}%20}%0d%0a
/s/text.txt             200 Content-Type=application/json Content-Length=4 body={}%0d%0a
/s/empty.bin            200 Content-Type=application/json body={}%0d%0a
/s/one.bin              200 body={}%0d%0a
/s/magic.jpg            200 body={}%0d%0a
/s/magic.png            200 body={}%0d%0a
/s/magic.gif            200 body={}%0d%0a
/s/magic.webp           200 body={}%0d%0a
/s/logo.svg             200 body={%20"img"%20:%20{%20"width":%2010,%20"height":%2010,%20"type":%20"svg"%20}%20}%0d%0a
/s/picture.psd          200 body={}%0d%0a
/s/absent.jpg           404


=== TEST 8: size from an upstream; other statuses stay
--- config
    location /p/ {
        image_resize size;
        proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
    }
--- rows
/p/plain/quad-100x120.gif               200 Content-Type=application/json body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"gif"%20}%20}%0d%0a
/p/chunked,chunk=1/quad-100x120.jpg     200 body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"jpeg"%20}%20}%0d%0a
/p/close/text.txt                       200 body={}%0d%0a
/p/gzip/quad-100x120.png                200 !Content-Encoding body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"png"%20}%20}%0d%0a
/p/status,code=500/quad-100x120.gif     500 Content-Type=application/json


=== TEST 9: convert without anything to do gives the original
--- config
    location /c/ { image_resize convert; alias $TEST_NGINX_FIXTURES/; }
--- rows
/c/quad-100x120.jpg             200 jpeg 100x120 Content-Type=image/jpeg
/c/quad-100x120.png             200 png 100x120 Content-Type=image/png
/c/quad-100x120.gif             200 gif 100x120 Content-Type=image/gif
/c/quad-100x120.webp            200 webp 100x120 Content-Type=image/webp
/c/text.txt                     415


=== TEST 10: convert to a format
--- config
    location /jpeg/ { image_resize convert; image_resize_format jpeg; alias $TEST_NGINX_FIXTURES/; }
    location /png/  { image_resize convert; image_resize_format png;  alias $TEST_NGINX_FIXTURES/; }
    location /gif/  { image_resize convert; image_resize_format gif;  alias $TEST_NGINX_FIXTURES/; }
    location /webp/ { image_resize convert; image_resize_format webp; alias $TEST_NGINX_FIXTURES/; }
--- rows
/png/photo-300x200.jpg          200 same=photo-300x200.jpg Content-Type=image/jpeg
/webp/noise-600x400-q95.jpg     200 webp 600x400 Content-Type=image/webp smaller=noise-600x400-q95.jpg psnr>22:noise-600x400-q95.jpg
/jpeg/photo-300x200.png         200 jpeg 300x200 Content-Type=image/jpeg smaller=photo-300x200.png psnr>30:photo-300x200.png
/gif/photo-300x200.png          200 gif 300x200 Content-Type=image/gif psnr>25:photo-300x200.png
/webp/photo-300x200.png         200 webp 300x200 Content-Type=image/webp psnr>30:photo-300x200.png


=== TEST 11: when only the format was asked for and the result is larger, the original goes out
--- config
    location /webp/ { image_resize convert; image_resize_format webp; image_resize_webp_quality 100; alias $TEST_NGINX_FIXTURES/; }
    location /png/  { image_resize convert; image_resize_format png;  alias $TEST_NGINX_FIXTURES/; }
    location /both/ { image_resize convert; image_resize_format webp; image_resize_webp_quality 100; image_resize_sharpen 10; alias $TEST_NGINX_FIXTURES/; }
--- rows
/webp/photo-300x200-q30.jpg     200 same=photo-300x200-q30.jpg Content-Type=image/jpeg
/both/photo-300x200-q30.jpg     200 webp 300x200 Content-Type=image/webp etag=weak


=== TEST 12: a mode is inherited by a nested location
--- config
    location /a/ {
        image_resize resize 10 10;
        alias $TEST_NGINX_FIXTURES/;
        location /a/b/ {
            alias $TEST_NGINX_FIXTURES/;
        }
        location /a/off/ {
            image_resize off;
            alias $TEST_NGINX_FIXTURES/;
        }
        location /a/test/ {
            image_resize test;
            alias $TEST_NGINX_FIXTURES/;
        }
    }
--- rows
/a/quad-100x120.png             200 png 8x10
/a/b/quad-100x120.png           200 png 8x10
/a/off/quad-100x120.png         200 same=quad-100x120.png
/a/test/quad-100x120.png        200 same=quad-100x120.png Content-Type=image/png


=== TEST 13: an "if" block inherits the mode
--- config
    location /a/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize resize 50 -;
        if ($arg_x) {
            set $x 1;
        }
        if ($arg_y) {
            add_header X-Y y;
        }
    }
--- rows
/a/quad-100x120.png             200 png 50x60
/a/quad-100x120.png?x=1         200 png 50x60 again
/a/quad-100x120.png?y=1         200 png 50x60 again X-Y=y
