# image_resize_blur, _adjust, _trim, _max_bytes: effect, default, inheritance, bad variables.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: image_resize_blur
--- config
    location /none/  { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /0/     { image_resize resize 150 -; image_resize_blur 0; alias $TEST_NGINX_FIXTURES/; }
    location /2/     { image_resize resize 150 -; image_resize_blur 2; alias $TEST_NGINX_FIXTURES/; }
    location /whole/ { image_resize convert; image_resize_blur 12.5; alias $TEST_NGINX_FIXTURES/; }
    location /v/     { image_resize resize 150 -; image_resize_blur $arg_s; alias $TEST_NGINX_FIXTURES/; }
--- rows
/none/photo-300x200.png     200 png 150x100
/0/photo-300x200.png        200 again
/v/photo-300x200.png        200 again
/2/photo-300x200.png        200 png 150x100 changed psnr<32:photo-300x200.png psnr>18:photo-300x200.png
/v/photo-300x200.png?s=2    200 again
/v/photo-300x200.png?s=0.5  200 png 150x100 psnr>26:photo-300x200.png psnr<45:photo-300x200.png
/whole/photo-300x200.png    200 png 300x200 etag=weak psnr<25:photo-300x200.png
/whole/flat-300x200.png     200 png 300x200 px=0,0:#808080 px=150,100:#808080
/whole/quad-100x120-alpha.png 200 png 100x120 alpha px=2,2:none
/v/photo-300x200.png?s=-1   415 log=info:bad_params
/v/photo-300x200.png?s=251  415
/v/photo-300x200.png?s=x    415


=== TEST 2: image_resize_adjust
--- config
    location /b/  { image_resize convert; image_resize_adjust brightness=0.5; alias $TEST_NGINX_FIXTURES/; }
    location /c/  { image_resize convert; image_resize_adjust contrast=0.5; alias $TEST_NGINX_FIXTURES/; }
    location /s/  { image_resize convert; image_resize_adjust saturation=0; alias $TEST_NGINX_FIXTURES/; }
    location /h/  { image_resize convert; image_resize_adjust hue=120; alias $TEST_NGINX_FIXTURES/; }
    location /g/  { image_resize convert; image_resize_adjust gamma=2; alias $TEST_NGINX_FIXTURES/; }
    location /gs/ { image_resize convert; image_resize_adjust grayscale=on; alias $TEST_NGINX_FIXTURES/; }
    location /no/ { image_resize convert; image_resize_adjust brightness=1 contrast=1.0 saturation=1 hue=0 gamma=1 grayscale=off; alias $TEST_NGINX_FIXTURES/; }
    location /all/ { image_resize convert; image_resize_adjust brightness=$arg_b contrast=$arg_c saturation=$arg_s hue=$arg_h gamma=$arg_g grayscale=$arg_gs; alias $TEST_NGINX_FIXTURES/; }
--- rows
/b/quad-100x120.png     200 png 100x120 etag=weak px=5,5:#800000~1 px=95,115:#808000~1
/all/quad-100x120.png?b=0.5 200 again
/c/quad-100x120.png     200 png 100x120 px=5,5:#bf4040~1 px=95,5:#40bf40~1
/all/quad-100x120.png?c=0.5 200 again
/s/quad-100x120.png     200 png 100x120 px=5,5:#363636~1 px=95,5:#b6b6b6~1
/all/quad-100x120.png?s=0 200 again
/h/quad-100x120.png     200 png 100x120 px=5,5:#007100~2
/all/quad-100x120.png?h=120 200 again
/all/quad-100x120.png?h=-240 200 again
/g/flat-300x200.png     200 png 300x200 px=5,5:#b5b5b5~1
/all/flat-300x200.png?g=2 200 again
/gs/quad-100x120.png    200 png 100x120 px=5,5:#363636~1 px=95,5:#b6b6b6~1
/gs/photo-300x200.jpg   200 jpeg 300x200 components=1 psnr>28:photo-300x200.png,gray
/gs/quad-100x120-alpha.png 200 png 100x120 alpha px=5,5:none
/no/quad-100x120.png    200 same=quad-100x120.png etag=strong
/all/quad-100x120.png   200 same=quad-100x120.png etag=strong
/all/quad-100x120.png?b=11 415 log=info:brightness
/all/quad-100x120.png?c=-1 415 log=info:contrast
/all/quad-100x120.png?s=x  415 log=info:saturation
/all/quad-100x120.png?h=361 415 log=info:hue
/all/quad-100x120.png?g=0  415 log=info:gamma
/all/quad-100x120.png?gs=1 415 log=info:grayscale


=== TEST 3: image_resize_trim
--- config
    location /pad/  { image_resize pad 200 200 background=navy; alias $TEST_NGINX_FIXTURES/; }
    location /trim/ { image_resize convert; image_resize_trim 10; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/pad/; }
    location /fit/  { image_resize resize 50 -; image_resize_trim 10; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/pad/; }
    location /off/  { image_resize convert; image_resize_trim off; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/pad/; }
    location /v/    { image_resize convert; image_resize_trim $arg_t; alias $TEST_NGINX_FIXTURES/; }
--- rows
/pad/quad-100x120.png   200 png 200x200 px=5,5:navy
/trim/quad-100x120.png  200 png 100x120 px=0,0:red px=99,119:yellow
/fit/quad-100x120.png   200 png 50x60 px=0,0:red
/off/quad-100x120.png   200 png 200x200 px=5,5:navy
/v/flat-300x200.png?t=0 200 png 300x200
/v/flat-300x200.png?t=off 200 same=flat-300x200.png
/v/flat-300x200.png     200 same=flat-300x200.png
/v/flat-300x200.png?t=256 415 log=info:image_resize_trim


=== TEST 4: image_resize_max_bytes
--- config
    location /none/  { image_resize resize 200 -; alias $TEST_NGINX_FIXTURES/; }
    location /5k/    { image_resize resize 200 -; image_resize_max_bytes 5k; alias $TEST_NGINX_FIXTURES/; }
    location /1/     { image_resize resize 200 -; image_resize_max_bytes 1; alias $TEST_NGINX_FIXTURES/; }
    location /off/   { image_resize resize 200 -; image_resize_max_bytes off; alias $TEST_NGINX_FIXTURES/; }
    location /whole/ { image_resize convert; image_resize_max_bytes $arg_m; alias $TEST_NGINX_FIXTURES/; }
    location /webp/  { image_resize resize 200 -; image_resize_format webp; image_resize_max_bytes 2500; alias $TEST_NGINX_FIXTURES/; }
--- rows
/none/photo-300x200.jpg     200 jpeg 200x133 q=75 bytes>5120
/off/photo-300x200.jpg      200 again
/5k/photo-300x200.jpg       200 jpeg 200x133 q=20..74 bytes<5121 bytes>3500
/1/photo-300x200.jpg        200 jpeg 200x133 q=10
/webp/photo-300x200.jpg     200 webp 200x133 bytes<2501
# a format without a quality is left alone
/1/photo-300x200.png        200 png 200x133 bytes>9000
# what fits goes out as it came, what does not is made anew
/whole/photo-300x200.jpg    200 same=photo-300x200.jpg
/whole/photo-300x200.jpg?m=1m 200 same=photo-300x200.jpg
/whole/photo-300x200.jpg?m=6k 200 jpeg 300x200 bytes<6145
/whole/photo-300x200.jpg?m=0 415 log=info:image_resize_max_bytes
/whole/photo-300x200.jpg?m=x 415


=== TEST 5: what is inherited
--- http_config
    image_resize_blur 3;
    image_resize_adjust grayscale=on;
    image_resize_trim 5;
    image_resize_max_bytes 4k;
--- config
    image_resize_adjust saturation=1;

    location /a/ { image_resize resize 200 -; alias $TEST_NGINX_FIXTURES/; }
    location /b/ {
        image_resize resize 200 -;
        image_resize_blur 0;
        image_resize_trim off;
        image_resize_max_bytes off;
        alias $TEST_NGINX_FIXTURES/;
        location /b/c/ { image_resize_adjust grayscale=on; alias $TEST_NGINX_FIXTURES/; }
    }
--- rows
/a/photo-300x200.jpg        200 jpeg 200x133 bytes<4097 components=3 psnr<26:photo-300x200.png
/b/photo-300x200.jpg        200 jpeg 200x133 bytes>5120 components=3 psnr>28:photo-300x200.png
/b/c/photo-300x200.jpg      200 jpeg 200x133 components=1


=== TEST 6: image_resize_pixelate
--- config
    location /none/  { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /0/     { image_resize resize 150 -; image_resize_pixelate 0; alias $TEST_NGINX_FIXTURES/; }
    location /1/     { image_resize convert; image_resize_pixelate 1; alias $TEST_NGINX_FIXTURES/; }
    location /50/    { image_resize convert; image_resize_pixelate 50; alias $TEST_NGINX_FIXTURES/; }
    location /v/     { image_resize convert; image_resize_pixelate $arg_p; alias $TEST_NGINX_FIXTURES/; }
    location /url/   { image_resize_params $args; image_resize_allow pixelate=0,50-100; alias $TEST_NGINX_FIXTURES/; }
--- rows
/none/photo-300x200.png     200 png 150x100
/0/photo-300x200.png        200 again
/1/quad-100x120.png         200 same=quad-100x120.png etag=strong
# quarters of 50 by 60: the second row of blocks takes 10 rows of the upper two
/50/quad-100x120.png        200 png 100x120 etag=weak px=0,0:red px=49,49:red px=0,50:#3300cc~1 px=49,99:#3300cc~1 px=99,119:yellow
/v/quad-100x120.png?p=50    200 again
/url/quad-100x120.png?pixelate=50 200 again
/v/quad-100x120.png         200 same=quad-100x120.png
/50/quad-100x120-alpha.png  200 png 100x120 alpha px=5,5:none
/url/quad-100x120.png?pixelate=49 403
/v/quad-100x120.png?p=65536 415 log=info:image_resize_pixelate
/v/quad-100x120.png?p=1.5   415
