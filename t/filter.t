# How the filter lives with the rest of nginx: where bodies come from, what else looks
# at them, which answers it must leave alone, and how an answer ends.

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

=== TEST 1: static files, in every way nginx reads them
--- config
    image_resize_jpeg_quality 90;
    location /sendfile/   { sendfile on;  image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /read/       { sendfile off; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /small/      { sendfile off; output_buffers 1 512; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /many/       { sendfile off; output_buffers 16 1k; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /aio/        { sendfile off; aio threads; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /aiosend/    { sendfile on;  aio threads; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /directio/   { sendfile on;  directio 512; directio_alignment 4k; output_buffers 1 64k; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /dioaio/     { sendfile off; aio threads; directio 512; output_buffers 2 32k; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /nopush/     { sendfile on; tcp_nopush on; tcp_nodelay off; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /chunk/      { sendfile on; sendfile_max_chunk 4k; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /ofc/        { open_file_cache max=10; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /slowly/     { limit_rate 200k; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
    location /postpone/   { postpone_output 0; image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/; }
--- rows
/sendfile/noise-1200x800-q95.jpg        200 jpeg 300x200 psnr>28:noise-1200x800-q95.jpg Content-Type=image/jpeg etag=weak !Accept-Ranges
/read/noise-1200x800-q95.jpg            200 again
/small/noise-1200x800-q95.jpg           200 again
/many/noise-1200x800-q95.jpg            200 again
/aio/noise-1200x800-q95.jpg             200 again
/aiosend/noise-1200x800-q95.jpg         200 again
/directio/noise-1200x800-q95.jpg        200 again
/dioaio/noise-1200x800-q95.jpg          200 again
/nopush/noise-1200x800-q95.jpg          200 again
/chunk/noise-1200x800-q95.jpg           200 again
/ofc/noise-1200x800-q95.jpg             200 again
/ofc/noise-1200x800-q95.jpg             200 again
/slowly/noise-1200x800-q95.jpg          200 again
/postpone/noise-1200x800-q95.jpg        200 again
# a file smaller than one buffer, and the original as it came
/small/quad-3x3.png                     200 same=quad-3x3.png
/directio/quad-3x3.png                  200 same=quad-3x3.png
/dioaio/photo-300x200.jpg               200 same=photo-300x200.jpg
/aio/photo-300x200.jpg                  200 same=photo-300x200.jpg


=== TEST 2: upstreams, buffered and not
--- config
    image_resize_jpeg_quality 90;
    location /buffered/   { image_resize resize 300 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /unbuffered/ { image_resize resize 300 -; proxy_buffering off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /temp/ {
        image_resize resize 300 -;
        proxy_buffer_size 1k;
        proxy_buffers 2 1k;
        proxy_busy_buffers_size 1k;
        proxy_temp_file_write_size 2k;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location /notemp/ {
        image_resize resize 300 -;
        proxy_buffer_size 1k;
        proxy_buffers 2 1k;
        proxy_busy_buffers_size 1k;
        proxy_max_temp_file_size 0;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location /http11/ {
        image_resize resize 300 -;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location /store/ {
        image_resize resize 300 -;
        proxy_store $TEST_NGINX_SERVER_ROOT/html/stored.jpg;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location /aiowrite/ {
        image_resize resize 300 -;
        aio threads;
        aio_write on;
        proxy_buffer_size 1k;
        proxy_buffers 2 1k;
        proxy_busy_buffers_size 1k;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location = /stored.jpg { root $TEST_NGINX_SERVER_ROOT/html; }
--- rows
/buffered/plain/noise-1200x800-q95.jpg          200 jpeg 300x200 psnr>28:noise-1200x800-q95.jpg Content-Type=image/jpeg etag=weak
/buffered/chunked/noise-1200x800-q95.jpg        200 again
/buffered/chunked,chunk=7/quad-100x120.png      200 same=quad-100x120.png
/buffered/close/noise-1200x800-q95.jpg          200 jpeg 300x200
/unbuffered/plain/noise-1200x800-q95.jpg        200 again
/unbuffered/chunked/noise-1200x800-q95.jpg      200 again
/unbuffered/chunked,chunk=1/quad-100x120.jpg    200 same=quad-100x120.jpg
/unbuffered/close/noise-1200x800-q95.jpg        200 jpeg 300x200
/temp/plain/noise-1200x800-q95.jpg              200 again
/temp/chunked/noise-1200x800-q95.jpg            200 again
/temp/close/noise-1200x800-q95.jpg              200 again
/notemp/plain/noise-1200x800-q95.jpg            200 again
/notemp/chunked,chunk=100000/noise-1200x800-q95.jpg 200 again
/http11/plain/noise-1200x800-q95.jpg            200 again
/http11/chunked/noise-1200x800-q95.jpg          200 again
/aiowrite/plain/noise-1200x800-q95.jpg          200 again
/aiowrite/chunked/noise-1200x800-q95.jpg        200 again
/store/plain/noise-1200x800-q95.jpg             200 again
# what is stored is the source
/stored.jpg                                     200 same=noise-1200x800-q95.jpg


=== TEST 3: a slow upstream, in small pieces
--- config
    location /b/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /u/ { image_resize resize 50 -; proxy_buffering off; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/b/slow,piece=100,ms=30/quad-100x120.jpg        200 jpeg 50x60 px=5,5:red
/u/slow,piece=100,ms=30/quad-100x120.jpg        200 again
/u/slow,piece=1,ms=1/quad-100x120-lossless.webp 200 webp 50x60


=== TEST 4: an upstream that dies in the middle: an error, no half picture, no hang
--- config
    proxy_read_timeout 1s;
    location /b/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /u/ { image_resize resize 50 -; proxy_buffering off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /h/ { image_resize resize 50 -; proxy_http_version 1.1; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /t/ {
        image_resize resize 50 -;
        proxy_buffer_size 1k;
        proxy_buffers 2 1k;
        proxy_busy_buffers_size 1k;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location /s/ { image_resize size; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /e/ {
        image_resize resize 50 -;
        error_page 502 504 = /fallback;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location = /fallback { empty_gif; }
--- rows
/b/die/photo-300x200.jpg        502|504
/u/die/photo-300x200.jpg        502|504
/h/diechunk/photo-300x200.jpg   502|504
/t/die/noise-600x400.jpg        502|504
/b/reset/photo-300x200.jpg      502|504
/u/reset/photo-300x200.jpg      502|504
/b/stall,s=2/photo-300x200.jpg  502|504
/u/stall,s=2/photo-300x200.jpg  502|504
/s/die/photo-300x200.jpg        502|504
/e/die/photo-300x200.jpg        200 gif 1x1
# and the worker lives on
/b/plain/quad-100x120.png       200 png 50x60


=== TEST 5: proxy_cache keeps the source; every variant is made from it
--- http_config
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/img_cache keys_zone=img:1m;
--- config
    location ~ ^/(?<w>\d+)(?<rest>/.+)$ {
        image_resize resize $w -;
        image_resize_jpeg_quality 90;
        proxy_cache img;
        proxy_cache_key $rest;
        proxy_cache_valid 200 10m;
        proxy_cache_valid 404 1m;
        add_header X-Cache $upstream_cache_status always;
        proxy_pass $TEST_NGINX_UPSTREAM$rest;
    }
--- rows
/300/plain/noise-1200x800-q95.jpg       200 jpeg 300x200 X-Cache=MISS psnr>28:noise-1200x800-q95.jpg
/300/plain/noise-1200x800-q95.jpg       200 again X-Cache=HIT etag=same
/150/plain/noise-1200x800-q95.jpg       200 jpeg 150x100 X-Cache=HIT etag=other
HEAD /150/plain/noise-1200x800-q95.jpg  200 X-Cache=HIT etag=same Content-Type=image/jpeg Content-Length~^\d+$
/50/chunked/photo-300x200.jpg           200 jpeg 50x33 X-Cache=MISS
/50/chunked/photo-300x200.jpg           200 again X-Cache=HIT
/60/chunked/photo-300x200.jpg           200 jpeg 60x40 X-Cache=HIT
/50/gzip/photo-300x200.png              200 png 50x33 X-Cache=MISS !Content-Encoding
/50/gzip/photo-300x200.png              200 again X-Cache=HIT !Content-Encoding
/50/plain/absent.jpg                    404 X-Cache=MISS body=gone
/50/plain/absent.jpg                    404 X-Cache=HIT body=gone
/300/die/photo-600x400.jpg              502|504
/300/plain/text.txt                     415
/300/plain/text.txt                     415 X-Cache=HIT


=== TEST 6: HEAD first, then GET, through a cache
--- http_config
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/img_cache keys_zone=img:1m;
--- config
    location / {
        image_resize resize 150 -;
        proxy_cache img;
        proxy_cache_valid 200 10m;
        add_header X-Cache $upstream_cache_status always;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    my $c = client();
    my $head = $c->head('/plain/photo-300x200.jpg');
    my $get = $c->get('/plain/photo-300x200.jpg');
    Test::More::is($head->{status}, 200, "$name - HEAD");
    Test::More::is($head->{h}{'x-cache'}, 'MISS', "$name - HEAD fills the cache");
    Test::More::is($get->{h}{'x-cache'}, 'HIT', "$name - GET uses it");
    Test::More::is($head->{h}{'content-length'}, length $get->{body}, "$name - length");
    Test::More::is($head->{h}{etag}, $get->{h}{etag}, "$name - tag");
    Test::More::is($head->{h}{'content-type'}, 'image/jpeg', "$name - type");
}


=== TEST 7: content codings are undone; those that can't be are 415
--- config
    location /p/ {
        image_resize resize 50 -;
        add_header X-Error $image_resize_error always;
        proxy_http_version 1.1;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location /gunzip/ {
        image_resize resize 50 -;
        gunzip on;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location /size/ { image_resize size; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /test/ { image_resize test; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/p/gzip/quad-100x120.png        200 png 50x60 Content-Type=image/png !Content-Encoding px=5,5:red
/p/xgzip/quad-100x120.png       200 png 50x60 !Content-Encoding
/p/deflate/quad-100x120.png     200 png 50x60 !Content-Encoding
/p/rawdeflate/quad-100x120.png  200 png 50x60 !Content-Encoding
/p/identity/quad-100x120.png    200 png 50x60
/p/gzip/quad-30x30.png          200 same=quad-30x30.png !Content-Encoding
/p/br/text.txt                  415 X-Error=unsupported_format log=info:unsupported_format:br
/p/zstd/text.txt                415 X-Error=unsupported_format log=info:unsupported_format:zstd
# what is a picture as it is, is one whatever is said of it
/p/br/quad-100x120.png          200 png 50x60 !Content-Encoding
/p/zstd/quad-100x120.png        200 png 50x60 !Content-Encoding
/p/plain,add=Content-Encoding%3agzip/quad-100x120.png        200 png 50x60 !Content-Encoding
/p/plain,add=Content-Encoding%3aaws-chunked/quad-100x120.png 200 png 50x60 !Content-Encoding
/p/plain,add=Content-Encoding%3aUTF-8/quad-30x30.png         200 same=quad-30x30.png !Content-Encoding etag=strong
/p/plain,add=Content-Encoding%3anone/quad-100x120.png        200 png 50x60 !Content-Encoding
/p/plain,add=Content-Encoding%3abinary|content-encoding%3aidentity/quad-100x120.png 200 png 50x60 !Content-Encoding
/p/gzip,add=Content-Encoding%3aaws-chunked/quad-100x120.png  200 png 50x60 !Content-Encoding
/p/plain,add=Content-Encoding%3aUTF-8/text.txt               415 X-Error=not_image
/p/badgzip/quad-100x120.png     415 X-Error=decode_failed
/p/gzip/text.txt                415 X-Error=not_image
/p/gzip/bomb.gz                 415 X-Error=too_large
/gunzip/gzip/quad-100x120.png   200 png 50x60 !Content-Encoding
/size/gzip/quad-100x120.jpg     200 !Content-Encoding Content-Type=application/json
/test/gzip/quad-100x120.jpg     200 Content-Type=image/jpeg
/test/gzip/text.txt             415


=== TEST 8: gzip_static beside an image
--- user_files eval
[ [ 'a.png', fixture('quad-100x120.png') ], [ 'a.png.gz', Compress::Zlib::memGzip(fixture('quad-100x120.png')) ] ]
--- config
    location / { root $TEST_NGINX_HTML_DIR; gzip_static always; image_resize resize 50 -; }
--- rows
/a.png [Accept-Encoding: gzip]  200 png 50x60 !Content-Encoding
/a.png                          200 png 50x60 !Content-Encoding


=== TEST 9: HEAD
--- config
    location /static/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /asis/   { image_resize resize 600 -; alias $TEST_NGINX_FIXTURES/; }
    location /size/   { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /test/   { image_resize test; alias $TEST_NGINX_FIXTURES/; }
    location /p/      { image_resize resize 150 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /404/    { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/absent/; }
--- rows
/static/photo-300x200.jpg       200 jpeg 150x100
HEAD /static/photo-300x200.jpg  200 etag=same Content-Type=image/jpeg Content-Length~^\d+$ Last-Modified~2020 !Accept-Ranges keepalive
HEAD /static/photo-300x200.png  200 Content-Type=image/png Content-Length~^\d+$ keepalive
HEAD /static/text.txt           415
HEAD /asis/photo-300x200.jpg    200 etag=strong Content-Type=image/jpeg Content-Length~^\d+$
HEAD /size/photo-300x200.jpg    200 Content-Type=application/json Content-Length=61
HEAD /test/photo-300x200.png    200 Content-Type=image/png
HEAD /404/photo-300x200.png     404
# what the upstream says of its own body can't be what a GET would give
HEAD /p/plain/photo-300x200.jpg 200 !Content-Length
HEAD /p/plain/absent.jpg        404
/static/photo-300x200.jpg       200 jpeg 150x100


=== TEST 10: HEAD tells the length of GET
--- config
    location / { image_resize resize 150 -; image_resize_format $arg_f; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    my $c = client();
    for my $f (qw(jpeg png gif webp)) {
        my $get = $c->get("/photo-300x200.jpg?f=$f");
        my $head = $c->head("/photo-300x200.jpg?f=$f");
        Test::More::is($head->{status}, 200, "$name - $f - status");
        Test::More::is($head->{h}{'content-length'}, length $get->{body}, "$name - $f - length");
        Test::More::is($head->{h}{'content-type'}, "image/$f", "$name - $f - type");
        Test::More::is($head->{h}{etag}, $get->{h}{etag}, "$name - $f - tag");
    }
}


=== TEST 11: ranges of a transformed answer don't exist, and none of the original leaks
--- http_config
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/img_cache keys_zone=img:1m;
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/slice_cache keys_zone=slice:1m;
--- config
    location /static/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /p/      { image_resize resize 150 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /size/   { image_resize size; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /cache/ {
        image_resize resize 150 -;
        proxy_cache img;
        proxy_cache_valid 200 206 10m;
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
    location /off/    { proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/static/photo-300x200.jpg                               200 jpeg 150x100 !Accept-Ranges
/static/photo-300x200.jpg [Range: bytes=0-9]            200 again !Content-Range
/static/photo-300x200.jpg [Range: bytes=-10]            200 again !Content-Range
/static/photo-300x200.jpg [Range: bytes=9999999-]       200 again !Content-Range
/static/photo-300x200.jpg [Range: bytes=0-1,5-6]        200 again !Content-Range
/static/photo-300x200.jpg [Range: bytes=0-9] [If-Range: $etag] 200 again !Content-Range
/p/range/photo-300x200.jpg [Range: bytes=0-9]           200 again !Content-Range !Accept-Ranges
/p/range/photo-300x200.jpg [Range: bytes=100-200]       200 again !Content-Range
/cache/range/photo-300x200.jpg [Range: bytes=0-9]       200 again !Content-Range
/cache/range/photo-300x200.jpg [Range: bytes=0-9]       200 again !Content-Range
/cache/range/photo-300x200.jpg                          200 again
/size/range/photo-300x200.jpg [Range: bytes=0-9]        200 !Content-Range Content-Type=application/json
# the check of the check: this upstream does serve parts
/off/range/photo-300x200.jpg [Range: bytes=0-9]         206 Content-Length=10


=== TEST 11b: slices of a source: the next one would never be asked for
--- config
    location /files/ { alias $TEST_NGINX_FIXTURES/; }
    location /sliced/ {
        image_resize resize 150 -;
        slice 64k;
        proxy_set_header Range $slice_range;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/files/;
    }
    location /sliced/original/ {
        image_resize resize 150 -;
        image_resize_on_error original;
        slice 64k;
        proxy_set_header Range $slice_range;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/files/;
    }
    location /sliced/test/ {
        image_resize test;
        slice 64k;
        proxy_set_header Range $slice_range;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/files/;
    }
    location /unused/ {
        image_resize resize 150 -;
        slice 64k;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/files/;
    }
--- suppress_stderr
--- rows
/sliced/noise-1200x800-q95.jpg                          415 line=error:decode_failed:parts
/sliced/noise-1200x800-q95.jpg [Range: bytes=0-9]       415
/sliced/original/noise-1200x800-q95.jpg                 415 line=error:decode_failed:parts
/sliced/test/noise-1200x800-q95.jpg                     415 line=error:decode_failed:parts
/sliced/photo-300x200.jpg                               200 jpeg 150x100
/sliced/none.jpg                                        404
/unused/noise-1200x800-q95.jpg                          200 jpeg 150x100


=== TEST 12: a range of the original as it came is the whole or the right part
--- config
    location / { image_resize resize 600 -; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    my $whole = fixture('photo-300x200.jpg');
    my $r = client()->get('/photo-300x200.jpg', Range => 'bytes=10-29');
    if ($r->{status} == 206) {
        Test::More::is($r->{body}, substr($whole, 10, 20), "$name - the part");
        Test::More::is($r->{h}{'content-range'}, 'bytes 10-29/' . length $whole, "$name - Content-Range");
    } else {
        Test::More::is($r->{status}, 200, "$name - status");
        Test::More::is($r->{body}, $whole, "$name - the whole");
    }
}


=== TEST 13: ranges where the filter is off stay what they are
--- config
    location /off/  { alias $TEST_NGINX_FIXTURES/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
--- rows
/off/photo-300x200.jpg [Range: bytes=10-29]     206 Content-Length=20
/test/photo-300x200.jpg                         200 same=photo-300x200.jpg
/test/photo-300x200.jpg [Range: bytes=10-29]    200|206


=== TEST 14: subrequests are not touched
--- user_files eval
[
    [ 'page.html', qq(<p><!--# include virtual="/i/quad-100x120.svg" --></p>\n) ],
    [ 'i/quad-100x120.svg', "plain text by SSI" ],
    [ 'added.txt', "ADDED" ],
    [ 'a.png', fixture('quad-100x120.png') ],
]
--- config
    root $TEST_NGINX_HTML_DIR;
    location = /page.html { ssi on; }
    location /i/ { image_resize resize 10 10; }
    location = /mirrored.png {
        mirror /mirror;
        alias $TEST_NGINX_HTML_DIR/a.png;
        image_resize resize 50 -;
    }
    location = /mirror { internal; image_resize resize 10 10; alias $TEST_NGINX_HTML_DIR/a.png; }
    location = /auth.png {
        auth_request /auth;
        image_resize resize 50 -;
        alias $TEST_NGINX_HTML_DIR/a.png;
    }
    location = /auth { internal; image_resize resize 10 10; return 204; }
    location = /authtext.png {
        auth_request /authtext;
        image_resize resize 50 -;
        alias $TEST_NGINX_HTML_DIR/a.png;
    }
    location = /authtext { internal; image_resize resize 10 10; alias $TEST_NGINX_HTML_DIR/added.txt; }
    location = /denied.png {
        auth_request /deny;
        image_resize resize 50 -;
        alias $TEST_NGINX_HTML_DIR/a.png;
    }
    location = /deny { internal; return 403; }
--- rows
/page.html      200 body=<p>plain%20text%20by%20SSI</p>%0a
/mirrored.png   200 png 50x60
/auth.png       200 png 50x60
/authtext.png   200 png 50x60
/denied.png     403


=== TEST 15: what subrequests add to a main answer of ours
--- user_files eval
[ [ 'added.txt', "ADDED" ], [ 'a.png', fixture('quad-100x120.png') ], [ 'b.txt', 'no image' ] ]
--- config
    root $TEST_NGINX_HTML_DIR;
    location = /a.png { image_resize size; add_after_body /added.txt; addition_types *; }
    location = /s.shtml {
        ssi on;
        ssi_types *;
        image_resize size;
        alias $TEST_NGINX_HTML_DIR/a.png;
    }
--- rows
/s.shtml        200 body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"png"%20}%20}%0d%0a


=== TEST 16: other statuses stay what they are; what is a picture is made all the same
--- config
    location /p/ {
        image_resize resize 10 10;
        proxy_pass $TEST_NGINX_UPSTREAM/;
        proxy_redirect off;
        add_header X-Status $image_resize_status always;
    }
    location /r301 { image_resize resize 10 10; return 301 /elsewhere; }
    location /r302 { image_resize resize 10 10; return 302 /elsewhere; }
    location /r403 { image_resize resize 10 10; deny all; alias $TEST_NGINX_FIXTURES/; }
    location /r404/ { image_resize resize 10 10; alias $TEST_NGINX_FIXTURES/absent/; }
    location /r410 { image_resize resize 10 10; return 410; }
    location /r444 { image_resize resize 10 10; return 204; }
    location /r500 { image_resize resize 10 10; return 500; }
    location /text404 { image_resize resize 10 10; return 404 "not here\n"; }
    location /dir { image_resize resize 10 10; alias $TEST_NGINX_FIXTURES/; }
    location /201/ { image_resize resize 10 10; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/p/status,code=404/quad-100x120.png     404 png 8x10 Content-Type=image/png X-Status=transformed
/p/status,code=403/quad-100x120.png     403 png 8x10
/p/status,code=500/text.txt             500 same=text.txt
/p/status,code=503/text.txt             503 same=text.txt
/p/status,code=301/text.txt             301 same=text.txt Location=/elsewhere
/p/status,code=201/quad-100x120.png     201 png 8x10 X-Status=transformed
/p/status,code=201/text.txt             415
/r301           301 Location~/elsewhere$
/r302           302 Location~/elsewhere$
/r403           403
/r404/x.jpg     404
/r410           410
/r444           204 empty
/r500           500
/text404        404 body=not%20here%0a
# a directory: nginx itself redirects, then forbids
/dir/           403
--- no_error_log
[alert]
[crit]


=== TEST 17: 200 from "return", from memory, from an internal redirect
--- config
    location = /text { image_resize resize 10 10; return 200 "no image"; }
    location = /size { image_resize size; return 200 "no image"; }
    location = /gif { image_resize resize 10 10; empty_gif; }
    location = /png { image_resize resize 10 10; image_resize_format png; empty_gif; }
    location /x/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location = /try { try_files /nothing /x/quad-100x120.png; }
    location = /rewritten { rewrite ^ /x/quad-100x120.png last; }
    location /named { root /nonexistent; try_files $uri @named; image_resize resize 10 10; }
    location @named {
        image_resize resize 20 -;
        rewrite ^ /plain/quad-100x120.png break;
        proxy_pass $TEST_NGINX_UPSTREAM;
    }
    location = /accel { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/accelerate; image_resize resize 10 10; }
    location = /accelerate { add_header X-Accel-Redirect /x/quad-100x120.png; return 200; }
--- rows
/text           415
/size           200 body={}%0d%0a
/gif            200 gif 1x1
/png            200 png 1x1 Content-Type=image/png
/try            200 png 50x60
/rewritten      200 png 50x60
/named          200 png 20x24
/accel          200 png 50x60


=== TEST 18: entity tags and conditional requests
--- config
    location / {
        image_resize resize $arg_w -;
        image_resize_jpeg_quality $arg_q;
        add_header X-Status $image_resize_status always;
        add_header X-Time "[$image_resize_time]" always;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/photo-300x200.jpg?w=150&q=80                           200 jpeg 150x100 etag=weak Last-Modified~2020 X-Status=transformed X-Time~\d
/photo-300x200.jpg?w=150&q=80 [If-None-Match: $etag]    304 empty etag=same X-Status=not_modified X-Time=[] !Content-Length !Content-Type Last-Modified~2020 keepalive
/photo-300x200.jpg?w=150&q=80 [If-None-Match: "a", W/"b", $etag]  304 empty etag=same
/photo-300x200.jpg?w=150&q=80 [If-None-Match: *]        304 empty
/photo-300x200.jpg?w=150&q=80                           200 jpeg 150x100
HEAD /photo-300x200.jpg?w=150&q=80 [If-None-Match: $etag] 304 empty etag=same X-Status=not_modified
/photo-300x200.jpg?w=150&q=80 [If-None-Match: "nothing of that"] 200 jpeg 150x100 etag=same
# another width, another quality: another tag, and the old one is no match
/photo-300x200.jpg?w=151&q=80 [If-None-Match: $etag]    200 jpeg 151x100 etag=other
/photo-300x200.jpg?w=151&q=70 [If-None-Match: $etag]    200 jpeg 151x100 etag=other
/photo-300x200.jpg?w=151&q=70 [If-None-Match: $etag]    304 empty etag=same
# another source
/photo-300x200-q30.jpg?w=151&q=70 [If-None-Match: $etag] 200 etag=other
# parameters that can't be are no match for anything
/photo-300x200.jpg?w=0&q=70 [If-None-Match: $etag]      415


=== TEST 19: each value that changes pixels changes the tag
--- config
    location /a/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /b/ { image_resize crop 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /c/ { image_resize resize 150 -; image_resize rotate 90; alias $TEST_NGINX_FIXTURES/; }
    location /d/ { image_resize resize 150 -; image_resize_interlace on; alias $TEST_NGINX_FIXTURES/; }
    location /e/ { image_resize resize 150 -; image_resize_sharpen 5; alias $TEST_NGINX_FIXTURES/; }
    location /f/ { image_resize resize 150 -; image_resize_format webp; alias $TEST_NGINX_FIXTURES/; }
    location /g/ { image_resize resize 150 -; image_resize_format webp; image_resize_webp_quality 70; alias $TEST_NGINX_FIXTURES/; }
    location /h/ { image_resize resize 150 -; image_resize_profile keep; alias $TEST_NGINX_FIXTURES/; }
    location /i/ { image_resize resize 150 -; image_resize_metadata keep; alias $TEST_NGINX_FIXTURES/; }
    location /j/ { image_resize resize 150 -; image_resize_orient off; alias $TEST_NGINX_FIXTURES/; }
    location /k/ { image_resize resize 150 -; image_resize_transparency off; alias $TEST_NGINX_FIXTURES/; }
    location /l/ { image_resize resize 150 -; image_resize_background red; alias $TEST_NGINX_FIXTURES/; }
    location /m/ { image_resize resize 150 150; alias $TEST_NGINX_FIXTURES/; }
    location /n/ { image_resize convert; image_resize_format webp; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    my $c = client();
    my %seen;
    for my $l ('a' .. 'n') {
        my $r = $c->get("/$l/photo-300x200.jpg");
        Test::More::is($r->{status}, 200, "$name - $l");
        my $tag = $r->{h}{etag} || '';
        Test::More::ok(!$seen{$tag}, "$name - $l - a tag of its own") or Test::More::diag("$tag, as $seen{$tag}");
        $seen{$tag} = $l;
        my $again = $c->get("/$l/photo-300x200.jpg", 'If-None-Match' => $tag);
        Test::More::is($again->{status}, 304, "$name - $l - not modified");
    }
}


=== TEST 20: If-Modified-Since, and validators of upstreams
--- config
    location /noetag/ { etag off; image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /p/ {
        image_resize resize 150 -;
        proxy_set_header If-None-Match "";
        proxy_set_header If-Modified-Since "";
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
--- rows
/noetag/photo-300x200.jpg                                       200 jpeg 150x100 Last-Modified~2020
/noetag/photo-300x200.jpg [If-Modified-Since: $last_modified]   304 empty
/noetag/photo-300x200.jpg [If-Modified-Since: Wed, 01 Jan 2014 00:00:00 GMT] 200 jpeg 150x100
# a validator of the upstream gives one of the variant; none gives none
/p/plain/photo-300x200.jpg                                      200 etag=weak
/p/plain/photo-300x200.jpg [If-None-Match: $etag]               304 empty etag=same
/p/plain,etag="x1"/photo-300x200.jpg                            200 etag=weak ETag~^W/"x1-[0-9a-f]{32}"$
/p/plain,etag="x2"/photo-300x200.jpg                            200 etag=other ETag~^W/"x2-[0-9a-f]{32}"$
/p/plain,etag=W:"x2"/photo-300x200.jpg                        200 etag=other ETag~^W/"x2~[0-9a-f]{32}"$
/p/plain,noetag,lm/photo-300x200.jpg                            200 jpeg 150x100 Last-Modified~2020
/p/plain,noetag/photo-300x200.jpg                               200 jpeg 150x100 etag=none !Last-Modified
# 304 of a request that was no matter of ours
/p/chunked,chunk=10/photo-300x200.jpg                           200 etag=weak
/p/chunked,chunk=10/photo-300x200.jpg [If-None-Match: $etag]    304 empty


=== TEST 21: 304 from the origin passes through
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { root $TEST_NGINX_FIXTURES; }
    }
--- config
    location / {
        image_resize resize 150 -;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- rows
/photo-300x200.jpg                                      200 jpeg 150x100 etag=weak
/photo-300x200.jpg [If-None-Match: $etag]               304 empty
/photo-300x200.jpg [If-Modified-Since: $last_modified]  304|200
/photo-300x200.jpg [If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT] 304 empty
/photo-300x200.jpg [Range: bytes=0-9]                   200 jpeg 150x100


=== TEST 22: a 304 costs no decoding and no reading
--- config
    location / {
        image_resize resize 150 -;
        image_resize_limit jobs=1 queue=0;
        add_header X-Status $image_resize_status always;
        add_header X-Bytes "[$image_resize_source_bytes]" always;
        add_header X-Queue "[$image_resize_queue_time]" always;
        alias $TEST_NGINX_FIXTURES/;
    }
--- threads
--- rows
/photo-600x400.jpg                              200 jpeg 150x100 X-Bytes~\d X-Queue~\d
/photo-600x400.jpg [If-None-Match: $etag]       304 empty X-Status=not_modified X-Bytes=[] X-Queue=[]


=== TEST 23: headers of the source that no longer hold
--- config
    location /p/ {
        image_resize resize 50 -;
        image_resize_format $arg_f;
        proxy_pass $TEST_NGINX_UPSTREAM/;
        proxy_hide_header X-None;
    }
    location /size/ { image_resize size; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/p/plain,ar,refresh,cc=max-age%3D60,vary=X-Test,lm/quad-100x120.png?f=original 200 png 50x60 !Accept-Ranges !Refresh Cache-Control=max-age=60 Vary=X-Test Last-Modified~2020
/p/plain,disp=a.png/quad-100x120.png?f=original  200 Content-Disposition=attachment;%20filename="a.png"
/p/plain,disp=a.png/quad-100x120.png?f=webp      200 webp 50x60 Content-Disposition=attachment;%20filename="a.webp"
/p/plain,disp=holiday.in.rome.png/quad-100x120.png?f=jpeg 200 jpeg 50x60 Content-Disposition~^attachment;%20filename="holiday[.]in[.]rome[.]jpe?g"$
/p/plain,disp=noext/quad-100x120.png?f=webp      200 Content-Disposition~noext
/p/status,code=404,ar,disp=a.png/quad-100x120.png?f=webp 404 webp 50x60 Content-Disposition=attachment;%20filename="a.webp" !Accept-Ranges
/p/status,code=404,ar,disp=a.png/text.txt?f=webp 404 same=text.txt Content-Disposition=attachment;%20filename="a.png" Accept-Ranges=bytes
/size/plain,ar,refresh/quad-100x120.png          200 !Accept-Ranges !Refresh Content-Type=application/json


=== TEST 24: what other modules add: add_header, expires, Vary of gzip
--- config
    location / {
        image_resize resize 50 -;
        expires 1h;
        add_header X-One one;
        add_header X-Always always always;
        gzip on;
        gzip_types *;
        gzip_min_length 1;
        gzip_vary on;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /size/ {
        image_resize size;
        gzip on;
        gzip_types application/json;
        gzip_min_length 1;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/quad-100x120.png       200 png 50x60 Cache-Control=max-age=3600 Expires~GMT X-One=one X-Always=always
/text.txt               415 !X-One X-Always=always !Expires
/size/quad-100x120.png [Accept-Encoding: gzip] 200 Content-Encoding=gzip Content-Type=application/json
/size/quad-100x120.png  200 !Content-Encoding


=== TEST 25: gzip packs what is asked for, and it unpacks to the answer
--- config
    location / {
        image_resize size;
        gzip on;
        gzip_types application/json;
        gzip_min_length 1;
        alias $TEST_NGINX_FIXTURES/;
    }
--- script eval
sub {
    my $name = shift;
    fixture_path('quad-100x120.png');
    my $r = client()->get('/quad-100x120.png', 'Accept-Encoding' => 'gzip');
    Test::More::is($r->{h}{'content-encoding'}, 'gzip', "$name - packed");
    Test::More::is(Compress::Zlib::memGunzip($r->{body}),
        qq({ "img" : { "width": 100, "height": 120, "type": "png" } }\r\n), "$name - body");
}


=== TEST 26: one connection, all kinds of answers
--- config
    location /r/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; add_header X-Conn $connection always; }
    location /p/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; add_header X-Conn $connection always; }
--- script eval
sub {
    my $name = shift;
    fixture_path($_) for qw(quad-100x120.png text.txt photo-300x200.jpg trunc_photo-300x200.jpg empty.bin);
    my $c = client();
    my ($first, $n) = ('', 0);
    for my $step (['GET', '/r/quad-100x120.png', 200], ['GET', '/r/text.txt', 415], ['GET', '/r/absent.png', 404],
                  ['GET', '/r/trunc_photo-300x200.jpg', 415], ['HEAD', '/r/quad-100x120.png', 200],
                  ['GET', '/r/empty.bin', 415], ['GET', '/p/plain/quad-100x120.png', 200],
                  ['GET', '/p/plain/text.txt', 415], ['GET', '/p/plain/trunc_photo-300x200.jpg', 415],
                  ['HEAD', '/p/plain/quad-100x120.png', 200], ['GET', '/r/photo-300x200.jpg', 200],
                  ['GET', '/p/chunked/text.txt', 415], ['GET', '/r/quad-100x120.png', 200]) {
        my ($method, $uri, $status) = @$step;
        my $r = $c->request($method, $uri);
        Test::More::is($r->{status}, $status, "$name - $method $uri");
        $first ||= $r->{h}{'x-conn'};
        Test::More::is($r->{h}{'x-conn'}, $first, "$name - $method $uri - the same connection");
        Test::More::ok(!$r->{error}, "$name - $method $uri - whole") or Test::More::diag($r->{error});
        $n++;
    }
}


=== TEST 27: pipelined requests are answered in order
--- config
    location ~ ^/(?<w>\d+)/(?<f>.+)$ { image_resize resize $w -; alias $TEST_NGINX_FIXTURES/$f; }
--- script eval
sub {
    my $name = shift;
    fixture_path($_) for qw(quad-100x120.png photo-600x400.jpg text.txt);
    my $c = client();
    my @want = ([50, 'quad-100x120.png', 50], [300, 'photo-600x400.jpg', 300], [10, 'quad-100x120.png', 10],
                [10, 'text.txt', 0], [20, 'photo-600x400.jpg', 20], [30, 'quad-100x120.png', 30]);
    my $text = CORE::join '', map { $c->request_text('GET', "/$_->[0]/$_->[1]") } @want;
    $c->send_raw($text, 'GET');
    for my $w (@want) {
        my $r = $c->recv;
        my $i = inspect($r->{body});
        Test::More::is($r->{status}, $w->[2] ? 200 : 415, "$name - $w->[0] $w->[1] - status");
        Test::More::is($i->{width}, $w->[2], "$name - $w->[0] $w->[1] - width");
    }
}


=== TEST 28: HTTP/1.0, with and without keep-alive
--- config
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /p/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- script eval
sub {
    my $name = shift;
    fixture_path($_) for qw(quad-100x120.png text.txt);
    for my $uri ('/quad-100x120.png', '/p/chunked/quad-100x120.png', '/p/close/quad-100x120.png') {
        my $c = client(version => '1.0');
        my $r = $c->get($uri);
        Test::More::is($r->{status}, 200, "$name - $uri");
        Test::More::is($r->{h}{'content-length'}, length $r->{body}, "$name - $uri - length");
        Test::More::ok(!$r->{h}{'transfer-encoding'}, "$name - $uri - not chunked");
        my @bad = check_image($r->{body}, 'png 50x60 px=5,5:red');
        Test::More::ok(!@bad, "$name - $uri - picture") or Test::More::diag("@bad");
        my $k = $c->get($uri, Connection => 'keep-alive');
        Test::More::is($k->{h}{connection}, 'keep-alive', "$name - $uri - keep-alive");
    }
    my $r = client(version => '1.0')->get('/text.txt');
    Test::More::is($r->{status}, 415, "$name - error");
}


=== TEST 29: HTTP/2
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
        location ~ ^/(?<w>\d+)/(?<f>.+)$ { image_resize resize $w -; alias $TEST_NGINX_FIXTURES/$f; }
        location /p/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
        location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    }
--- config
    location = /port { return 200 $TEST_NGINX_RAND_PORT_1; }
--- script eval
sub {
    my $name = shift;
    fixture_path($_) for qw(quad-100x120.png photo-600x400.jpg text.txt trunc_photo-600x400.jpg noise-1200x800-q95.jpg);
    my $port = client()->get('/port')->{body};
    my $h2 = ImageGate::H2->new(port => $port);

    for my $row (['/50/quad-100x120.png', 200, 'png 50x60 px=5,5:red'],
                 ['/300/photo-600x400.jpg', 200, 'jpeg 300x200 psnr>29:photo-600x400.jpg'],
                 ['/900/noise-1200x800-q95.jpg', 200, 'jpeg 900x600'],
                 ['/p/plain/photo-600x400.jpg', 200, 'jpeg 50x33'],
                 ['/p/chunked/quad-100x120.png', 200, 'png 50x60'],
                 ['/600/photo-600x400.jpg', 200, 'same=photo-600x400.jpg'],
                 ['/50/text.txt', 415], ['/50/trunc_photo-600x400.jpg', 200, 'jpeg 50x33'], ['/p/plain/text.txt', 415],
                 ['/50/absent.png', 404], ['/p/die/photo-600x400.jpg', 502]) {
        my ($uri, $status, $image) = @$row;
        my $r = $h2->recv($h2->send('GET', $uri));
        Test::More::is($r->{status}, $status, "$name - $uri");
        Test::More::ok(!$r->{error}, "$name - $uri - whole") or Test::More::diag($r->{error});
        next if !$image;
        my @bad = check_image($r->{body}, $image);
        Test::More::ok(!@bad, "$name - $uri - picture") or Test::More::diag("@bad");
    }
    my $r = $h2->recv($h2->send('GET', '/size/quad-100x120.png'));
    Test::More::like($r->{body}, qr/"width": 100, "height": 120/, "$name - size");
    $r = $h2->recv($h2->send('HEAD', '/50/quad-100x120.png'));
    Test::More::is("$r->{status}$r->{body}", 200, "$name - HEAD");

    # many at once; some are given up
    my %wait;
    for my $n (1 .. 60) {
        my $id = $h2->send('GET', '/' . (50 + $n) . ($n % 2 ? '/photo-600x400.jpg' : '/noise-1200x800-q95.jpg'));
        $n % 5 ? ($wait{$id} = 50 + $n) : $h2->reset($id);
    }
    my $ok = 0;
    for my $id (sort { $a <=> $b } keys %wait) {
        my $r = $h2->recv($id);
        $ok++ if $r->{status} == 200 && !$r->{error} && inspect($r->{body})->{width} == $wait{$id};
    }
    Test::More::is($ok, scalar keys %wait, "$name - all streams that were waited for");

    # a connection that ends with streams open
    my $gone = ImageGate::H2->new(port => $port);
    $gone->send('GET', "/$_/noise-1200x800-q95.jpg") for 300 .. 330;
    select undef, undef, undef, 0.05;
    $gone->close;
    $r = $h2->recv($h2->send('GET', '/50/quad-100x120.png'));
    Test::More::is($r->{status}, 200, "$name - and on");
}


=== TEST 30: send_timeout does not end a request whose job takes longer
--- config
    send_timeout 1s;
    location / {
        image_resize convert;
        image_resize_format webp;
        image_resize_webp_quality 90 effort=6;
        image_resize_sharpen 1;
        image_resize_limit time=60s;
        add_header X-Time $image_resize_time;
        alias $TEST_NGINX_FIXTURES/;
    }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    # as many at once as it takes for the job to last
    my @c = map { client(timeout => 60) } 1 .. 4;
    $_->send('GET', '/noise-2400x1600-q90.jpg') for @c;
    my $longest = 0;
    for my $c (@c) {
        my $r = $c->recv;
        Test::More::is($r->{status}, 200, "$name - status");
        Test::More::ok(!$r->{error}, "$name - whole") or Test::More::diag($r->{error});
        my @bad = check_image($r->{body}, 'webp 2400x1600');
        Test::More::ok(!@bad, "$name - picture") or Test::More::diag("@bad");
        $longest = $r->{h}{'x-time'} if ($r->{h}{'x-time'} || 0) > $longest;
    }
    if ($longest <= 1) {
        SKIP: { Test::More::skip("$name - the jobs took only $longest s, too little to show anything", 1) }
    } else {
        Test::More::cmp_ok($longest, '>', 1, "$name - a job took longer than send_timeout");
    }
}


=== TEST 31: a client that reads slowly gets all of it
--- config
    location / { image_resize resize 800 -; image_resize_jpeg_quality 100; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-1200x800-q95.jpg');
    my $c = client(rcvbuf => 16384, timeout => 30);
    $c->send('GET', '/noise-1200x800-q95.jpg');
    select undef, undef, undef, 0.7;
    my $r = $c->recv;
    Test::More::is($r->{status}, 200, "$name - status");
    Test::More::ok(!$r->{error}, "$name - whole") or Test::More::diag($r->{error});
    my @bad = check_image($r->{body}, 'jpeg 800x533 bytes>100000');
    Test::More::ok(!@bad, "$name - picture") or Test::More::diag("@bad");
}


=== TEST 32: error_page for 415, with everything it can do
--- user_files eval
[ [ 'sorry.html', "sorry\n" ], [ 'fallback.png', fixture('quad-20x24.png') ],
  [ 'again/fallback.png', fixture('quad-20x24.png') ],
  map { [ "$_/broken.png", substr fixture('quad-100x120.png'), 0, 100 ] } 'loop', 'deep' ]
--- config
    location /none/  { image_resize resize 10 10; alias $TEST_NGINX_FIXTURES/; }
    location /page/  { image_resize resize 10 10; error_page 415 /sorry.html; alias $TEST_NGINX_FIXTURES/; }
    location /png/   { image_resize resize 10 10; error_page 415 /fallback.png; alias $TEST_NGINX_FIXTURES/; }
    location /200/   { image_resize resize 10 10; error_page 415 =200 /fallback.png; alias $TEST_NGINX_FIXTURES/; }
    location /404/   { image_resize resize 10 10; error_page 415 =404 /sorry.html; alias $TEST_NGINX_FIXTURES/; }
    location /gif/   { image_resize resize 10 10; error_page 415 = /empty.gif; alias $TEST_NGINX_FIXTURES/; }
    location /redirect/ { image_resize resize 10 10; error_page 415 http://example.com/; alias $TEST_NGINX_FIXTURES/; }
    location /named/ { image_resize resize 10 10; error_page 415 = @named; alias $TEST_NGINX_FIXTURES/; }
    location /proxied/ { image_resize resize 10 10; error_page 415 = @proxied; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /again/ { image_resize resize 10 10; error_page 415 /again/fallback.png; root $TEST_NGINX_HTML_DIR; }
    location /loop/  { image_resize resize 10 10; error_page 415 /loop/broken.png; root $TEST_NGINX_HTML_DIR; }
    location /deep/  { image_resize resize 10 10; recursive_error_pages on; error_page 415 /deep/broken.png; root $TEST_NGINX_HTML_DIR; }
    location /return/ { image_resize resize 10 10; error_page 415 @return; alias $TEST_NGINX_FIXTURES/; }
    location /resized/ { image_resize resize 10 10; error_page 415 =200 @resized; alias $TEST_NGINX_FIXTURES/; }
    location @named { root $TEST_NGINX_HTML_DIR; try_files /fallback.png =404; }
    location @proxied { rewrite ^ /plain/quad-20x24.png break; proxy_pass $TEST_NGINX_UPSTREAM; }
    location @return { return 415 "custom\n"; }
    location @resized { image_resize resize 10 10; rewrite ^ /quad-100x120.png break; root $TEST_NGINX_FIXTURES; }
    location = /empty.gif { empty_gif; }
    location / { root $TEST_NGINX_HTML_DIR; }
--- rows
/none/text.txt          415 Content-Type=text/html
/page/text.txt          415 body=sorry%0a Content-Type=text/html keepalive
/png/text.txt           415 same=quad-20x24.png
/200/text.txt           200 same=quad-20x24.png
/404/text.txt           404 body=sorry%0a
/gif/text.txt           200 gif 1x1
/redirect/text.txt      302 Location=http://example.com/
/named/text.txt         200 same=quad-20x24.png
/proxied/plain/text.txt 200 same=quad-20x24.png
/proxied/chunked/text.txt 200 same=quad-20x24.png
/proxied/plain/trunc_photo-300x200.jpg 200 same=quad-20x24.png
/return/text.txt        415 body=custom%0a
# found in the header filter, while reading, and by the job
/png/trunc_photo-300x200.jpg 415 same=quad-20x24.png
/png/empty.bin          415 same=quad-20x24.png
/200/bomb-65535x65535.png 200 same=quad-20x24.png
# the page itself behind the filter: served, and no loop
/again/text.txt         404
/loop/broken.png        415
/deep/broken.png        415|500
# after a 200 from an error page nothing sticks
/none/quad-100x120.png  200 png 8x10


=== TEST 33: a fallback image from the same location
--- user_files eval
[ [ 'a/fallback.png', fixture('quad-100x120.png') ], [ 'a/bad.png', 'no image' ] ]
--- config
    location /a/ { image_resize resize 10 10; error_page 415 /a/fallback.png; root $TEST_NGINX_HTML_DIR; }
--- script eval
sub {
    my $name = shift;
    my $r = client()->get('/a/bad.png');
    Test::More::is($r->{status}, 415, "$name - status");
    my $i = inspect($r->{body});
    Test::More::is($i->{format}, 'png', "$name - a picture comes");
    Test::More::is("$i->{width}x$i->{height}", '8x10', "$name - as small as the others");
}


=== TEST 34: request methods and bodies
--- config
    location /static/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /p/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
POST /static/quad-100x120.png                           405
POST /p/plain/quad-100x120.png [Content-Length: 0]      200 png 50x60


=== TEST 35: image_filter and image_resize in one nginx, and even in one location
--- skip_eval: 8:!ImageGate::image_filter_module()
--- init
--- main_config eval
ImageGate::image_filter_module() ? 'load_module ' . ImageGate::image_filter_module() . ';' : ''
--- config
    location /ours/   { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /theirs/ { image_filter resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /both/   { image_filter resize 50 -; image_resize resize 20 -; alias $TEST_NGINX_FIXTURES/; }
    location /turn/   { image_filter rotate 90; image_resize resize 20 -; alias $TEST_NGINX_FIXTURES/; }
    location /off/    { image_filter off; image_resize off; alias $TEST_NGINX_FIXTURES/; }
--- rows
/ours/quad-100x120.png          200 png 50x60
/theirs/quad-100x120.png        200 png 50x60
/both/quad-100x120.png          200 png 20x24
/turn/quad-100x120.png          200 png
/off/quad-100x120.png           200 same=quad-100x120.png
/ours/text.txt                  415
/theirs/text.txt                415
/both/text.txt                  415


=== TEST 36: many at once
--- config
    location ~ ^/(?<w>\d+)/(?<f>.+)$ { image_resize resize $w -; alias $TEST_NGINX_FIXTURES/$f; }
    location ~ ^/p/(?<w>\d+)(?<rest>/.+)$ { image_resize resize $w -; proxy_pass $TEST_NGINX_UPSTREAM$rest; }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-600x400.jpg');
    my @c;
    for my $n (1 .. 40) {
        my $c = client(timeout => 60);
        my $w = 20 + $n;
        $c->send('GET', $n % 2 ? "/$w/photo-600x400.jpg" : "/p/$w/plain/photo-600x400.jpg");
        push @c, [$c, $w];
    }
    my $ok = 0;
    for (@c) {
        my ($c, $w) = @$_;
        my $r = $c->recv;
        $ok++ if $r->{status} == 200 && inspect($r->{body})->{width} == $w;
    }
    Test::More::is($ok, 40, "$name - all answered, none with the picture of another");
}


=== TEST 37: a client that leaves while its source is read, its job waits or runs
--- config
    location / {
        image_resize resize 300 -;
        image_resize_limit jobs=1;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /p/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /u/ { image_resize resize 50 -; proxy_buffering off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /i/ { image_resize resize 50 -; proxy_ignore_client_abort on; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- script eval
sub {
    my $name = shift;
    fixture_path($_) for qw(noise-1200x800-q95.jpg quad-100x120.jpg);
    for my $round (1 .. 3) {
        my @c = map { client() } 1 .. 12;
        my $i = 0;
        for my $c (@c) {
            my $uri = ('/noise-1200x800-q95.jpg', '/p/slow,piece=200,ms=50/quad-100x120.jpg',
                       '/u/slow,piece=200,ms=50/quad-100x120.jpg', '/i/slow,piece=200,ms=50/quad-100x120.jpg')[$i++ % 4];
            $c->send('GET', $uri);
        }
        select undef, undef, undef, 0.01 * $round;
        $i++ % 2 ? $_->abort : $_->close for @c;
    }
    my $r = client()->get('/noise-1200x800-q95.jpg');
    Test::More::is($r->{status}, 200, "$name - the next one is served");
    my @bad = check_image($r->{body}, 'jpeg 300x200');
    Test::More::ok(!@bad, "$name - with its picture") or Test::More::diag("@bad");
}


=== TEST 38: more variants than have their digests remembered
--- config
    location / { image_resize resize $arg_w -; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    my $c = client();
    my $get = sub { $c->get("/photo-300x200.jpg?w=$_[0]", $_[1] ? ('If-None-Match' => $_[1]) : ()) };
    my @w = (20 .. 60);
    my %tag = map { $_ => $get->($_)->{h}{etag} } @w;
    my %seen = map { $_ => 1 } values %tag;
    Test::More::is(scalar keys %seen, scalar @w, "$name - each has a tag of its own");
    my @again = grep { $get->($_, $tag{$_})->{status} != 304 } @w, CORE::reverse @w;
    Test::More::is("@again", '', "$name - and is known by it");
    my @other = grep { $get->($_, $tag{ $_ + 1 })->{status} != 200 } @w[0 .. $#w - 1];
    Test::More::is("@other", '', "$name - but not by another's");
}
