# AVIF in and out. What comes out is looked at by ImageMagick, whose decoder is libheif's; what
# goes in was written by that, too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: out of every kind of source
--- config
    location / {
        image_resize resize 150 -;
        image_resize_format avif;
        add_header X-Format $image_resize_format;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/photo-300x200.jpg              200 avif 150x100 opaque psnr>28:photo-300x200.jpg Content-Type=image/avif X-Format=avif etag=weak
/photo-300x200-gray.jpg         200 avif 150x100 opaque psnr>28:photo-300x200.jpg,gray
/photo-300x200.png              200 avif 150x100 opaque psnr>28:photo-300x200.png
/photo-300x200-palette.png      200 avif 150x100 opaque psnr>26:photo-300x200-palette.png
/photo-300x200.webp             200 avif 150x100 opaque psnr>28:photo-300x200.webp
/photo-300x200.avif             200 avif 150x100 opaque psnr>28:photo-300x200.avif
/quad-300x360-alpha.png         200 avif 150x180 alpha px=140,10:lime~40
/quad-300x360-trns.gif          200 avif 150x180 alpha px=140,10:lime~40


=== TEST 2: in, to every format
--- config
    location ~ ^/(?<format>jpeg|png|gif|webp)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_format $format;
        add_header X-Source $image_resize_source_format:$image_resize_source_width;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    # ImageMagick 6 neither reads nor writes the alpha of AVIF, so that goes there and back.
    location /back/ { image_resize convert; image_resize_format png; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/out/; }
    location /out/ { image_resize resize 150 -; image_resize_format avif; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
    location /fits/ { image_resize resize 300 200; alias $TEST_NGINX_FIXTURES/; }
--- rows
/jpeg/photo-300x200.avif        200 jpeg 150x100 psnr>28:photo-300x200.jpg X-Source=avif:300
/png/photo-300x200.avif         200 png 150x100 opaque psnr>30:photo-300x200.jpg
/gif/photo-300x200.avif         200 gif 150x100 psnr>22:photo-300x200.jpg
/webp/photo-300x200.avif        200 webp 150x100 opaque psnr>28:photo-300x200.jpg
/back/quad-300x360-alpha.png    200 png 150x180 alpha px=10,10:none px=140,10:lime~40 px=140,170:yellow@0.5~40
/back/quad-300x360-trns.gif     200 png 150x180 alpha px=10,10:none px=140,10:lime~40
/back/photo-300x200.png         200 png 150x100 opaque psnr>28:photo-300x200.png
/size/photo-300x200.avif        200 body={%20"img"%20:%20{%20"width":%20300,%20"height":%20200,%20"type":%20"avif"%20}%20}%0d%0a
/test/photo-300x200.avif        200 same=photo-300x200.avif Content-Type=image/avif
/fits/photo-300x200.avif        200 same=photo-300x200.avif etag=strong


=== TEST 3: image_resize_avif_quality and its speed
--- http_config
    image_resize_format avif;
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /60/   { image_resize resize 150 -; image_resize_avif_quality 60; alias $TEST_NGINX_FIXTURES/; }
    location /20/   { image_resize resize 150 -; image_resize_avif_quality 20; alias $TEST_NGINX_FIXTURES/; }
    location /90/   { image_resize resize 150 -; image_resize_avif_quality 90; alias $TEST_NGINX_FIXTURES/; }
    location /100/  { image_resize resize 150 -; image_resize_avif_quality 100; alias $TEST_NGINX_FIXTURES/; }
    location /slow/ { image_resize resize 150 -; image_resize_avif_quality 60 speed=6; alias $TEST_NGINX_FIXTURES/; }
    location /v/    { image_resize resize 150 -; image_resize_avif_quality $arg_q; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200.jpg      200 avif 150x100
/60/photo-300x200.jpg           200 again
/slow/photo-300x200.jpg         200 avif 150x100 changed psnr>28:photo-300x200.jpg
/20/photo-300x200.jpg           200 avif 150x100 prev< psnr<30:photo-300x200.jpg
/90/photo-300x200.jpg           200 avif 150x100 prev> psnr>30:photo-300x200.jpg
/100/photo-300x200.jpg          200 avif 150x100 prev>
/v/photo-300x200.jpg?q=250      200 again
/v/photo-300x200.jpg?q=0        415
/v/photo-300x200.jpg            415


=== TEST 4: limits and broken files
--- config
    location /small/ { image_resize resize 50 -; image_resize_limit width=299; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
    location / { image_resize resize 50 -; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
--- rows
/small/photo-300x200.avif       415 X-Error=too_many_pixels
/trunc_photo-300x200.avif       415 X-Error=decode_failed
