# Damaged sources: what is shown of them, what the strict refuse, and what is half a transfer.

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

=== TEST 1: what is there is shown at every size, and said to be damaged
--- config
    add_header X-Damaged $image_resize_damaged always;
    add_header X-Error $image_resize_error always;
    location /60/   { image_resize resize 60 -;  alias $TEST_NGINX_FIXTURES/; }
    location /200/  { image_resize resize 200 -; alias $TEST_NGINX_FIXTURES/; }
    location /full/ { image_resize convert; image_resize_format png; alias $TEST_NGINX_FIXTURES/; }
--- rows
/60/photo-600x400.jpg                       200 jpeg 60x40 !X-Damaged log=none
/60/noend_photo-600x400.jpg                 200 jpeg 60x40 X-Damaged=1 psnr>25:photo-600x400.jpg log=info:damaged:truncated
/200/noend_photo-600x400.jpg                200 jpeg 200x133 X-Damaged=1 psnr>30:photo-600x400.jpg log=info:damaged:truncated
/full/noend_photo-600x400.jpg               200 png 600x400 X-Damaged=1 psnr>40:photo-600x400.jpg log=info:damaged:truncated
/60/noend_photo-600x400-progressive.jpg     200 jpeg 60x40 X-Damaged=1 psnr>25:photo-600x400.jpg log=info:damaged
/200/noend_photo-600x400-progressive.jpg    200 jpeg 200x133 X-Damaged=1 psnr>30:photo-600x400.jpg log=info:damaged
/full/noend_photo-600x400-progressive.jpg   200 png 600x400 X-Damaged=1 psnr>30:photo-600x400.jpg log=info:damaged
/60/most_photo-600x400.jpg                  200 jpeg 60x40 X-Damaged=1 log=info:damaged
/200/most_photo-600x400.jpg                 200 jpeg 200x133 X-Damaged=1 log=info:damaged
/full/most_photo-600x400.jpg                200 png 600x400 X-Damaged=1 px=300,395:rgb(128,128,128)~2 log=info:damaged
/60/trunc_photo-600x400-progressive.jpg     200 jpeg 60x40 X-Damaged=1 log=info:damaged


=== TEST 2: the strict
--- config
    add_header X-Damaged $image_resize_damaged always;
    add_header X-Error $image_resize_error always;
    image_resize_damaged strict;
    location /60/   { image_resize resize 60 -;  alias $TEST_NGINX_FIXTURES/; }
    location /full/ { image_resize convert; image_resize_format png; alias $TEST_NGINX_FIXTURES/; }
    location /as/   { image_resize resize 600 400; alias $TEST_NGINX_FIXTURES/; }
    location /lenient/ {
        image_resize resize 60 -;
        image_resize_damaged lenient;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/60/photo-600x400.jpg                       200 jpeg 60x40 !X-Damaged log=none
/as/photo-600x400.jpg                       200 same=photo-600x400.jpg !X-Damaged log=none
/60/noend_photo-600x400.jpg                 415 !X-Damaged X-Error=decode_failed log=info:decode_failed:truncated
/full/noend_photo-600x400.jpg               415 !X-Damaged X-Error=decode_failed log=info:decode_failed:truncated
/as/noend_photo-600x400.jpg                 415 !X-Damaged X-Error=decode_failed log=info:decode_failed:truncated
/60/noend_photo-600x400-progressive.jpg     415 X-Error=decode_failed log=info:decode_failed:truncated
/lenient/noend_photo-600x400.jpg            200 jpeg 60x40 X-Damaged=1 log=info:damaged


=== TEST 3: policies are variants
--- config
    location /a/ { image_resize resize 60 -; alias $TEST_NGINX_FIXTURES/; }
    location /b/ { image_resize resize 60 -; image_resize_damaged strict; alias $TEST_NGINX_FIXTURES/; }
    location /c/ { image_resize resize 60 -; image_resize_damaged lenient; alias $TEST_NGINX_FIXTURES/; }
--- rows
/a/photo-600x400.jpg    200 etag=weak
/c/photo-600x400.jpg    200 etag=same
/b/photo-600x400.jpg    200 etag=other


=== TEST 4: a damaged original does not go out as it is, unless it is let
--- config
    location / { image_resize resize 600 400; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-600x400.jpg          200 same=photo-600x400.jpg
/noend_photo-600x400.jpg    200 jpeg 600x400 psnr>30:photo-600x400.jpg


=== TEST 5: where nobody announced the end, half a file is an upstream that broke off
--- config
    add_header X-Damaged $image_resize_damaged always;
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 60 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /http11/ {
        image_resize resize 60 -;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
--- rows
/plain/noend_photo-600x400.jpg              200 jpeg 60x40 X-Damaged=1 log=info:damaged
/chunked/noend_photo-600x400.jpg            200 jpeg 60x40 X-Damaged=1 log=info:damaged
/http11/chunked/noend_photo-600x400.jpg     200 jpeg 60x40 X-Damaged=1 log=info:damaged
/close/photo-600x400.jpg                    200 jpeg 60x40 !X-Damaged log=none
/close/noend_photo-600x400.jpg              502 X-Error=decode_failed log=info:decode_failed:broke:off
/close/most_photo-600x400.jpg               502 X-Error=decode_failed log=info:decode_failed:broke:off
/close/trunc_photo-600x400-progressive.jpg  502 X-Error=decode_failed log=info:decode_failed:broke:off
