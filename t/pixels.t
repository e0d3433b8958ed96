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


=== TEST 7: negate, sepia, tint, duotone, opacity
--- config
    location /a/   { image_resize convert; image_resize_adjust negate=$arg_n sepia=$arg_s tint=$arg_t duotone=$arg_d; image_resize_opacity $arg_o; alias $TEST_NGINX_FIXTURES/; }
    location /url/ { image_resize_params $args; image_resize_allow negate=* sepia=0-1 tint=* duotone=* opacity=* format=* background=* flatten=*; alias $TEST_NGINX_FIXTURES/; }
--- rows
/a/quad-100x120.png             200 same=quad-100x120.png
/a/quad-100x120.png?n=on        200 png 100x120 px=5,5:aqua px=95,5:magenta px=5,115:yellow px=95,115:blue
/a/quad-100x120.png?s=1         200 png px=5,5:#645945~1
/a/quad-100x120.png?s=0         200 same=quad-100x120.png
/a/quad-100x120.png?d=navy:red  200 png px=95,5:#b60024~1
/a/quad-100x120.png?t=red       200 png px=5,115:#550000~2 px=95,115:#ffe8e8~2
/a/quad-100x120-gray.png?s=0.5  200 png 100x120
/a/quad-100x120.png?o=0         200 png 100x120 alpha px=5,5:none
/a/quad-100x120.png?s=1.1       415 log=info:sepia
/a/quad-100x120.png?t=nocolour  415 log=info:tint
/url/quad-100x120.png?negate=on 200 png px=5,5:aqua
/url/quad-100x120.png?sepia=1   200 png px=5,5:#645945~1
/url/quad-100x120.png?tint=red&duotone=navy:red 200 png px=95,5:#b60024~1
/url/quad-100x120.png?opacity=0.5&format=jpeg 200 jpeg px=5,5:#ff8080~14 px=95,115:#ffff80~14
/url/quad-100x120.png?opacity=0.5&flatten=on&background=black 200 png opaque px=5,5:#800000~1
/url/quad-100x120-alpha.png?flatten=on&background=navy 200 png opaque px=5,5:navy px=95,5:lime
/url/quad-100x120-alpha.png?flatten=on&background=%2300008080 200 png alpha px=95,5:lime
/url/quad-100x120.png?duotone=red 400
/url/quad-100x120.png?opacity=2 400


=== TEST 8: padding, and backgrounds that are transparent or the image itself
--- config
    location /10/  { image_resize convert; image_resize_padding 10; alias $TEST_NGINX_FIXTURES/; }
    location /v/   { image_resize resize 50 - dpr=2; image_resize_padding $arg_p; image_resize_background $arg_b; alias $TEST_NGINX_FIXTURES/; }
    location /blur/ { image_resize pad 200 120 background=blur; alias $TEST_NGINX_FIXTURES/; }
    location /url/ { image_resize_params $args; image_resize_allow padding=* background=* width=* height=* fit=* format=* gravity=*; alias $TEST_NGINX_FIXTURES/; }
--- rows
/10/quad-100x120.png            200 png 120x140 etag=weak px=5,5:white px=15,15:red px=105,125:yellow px=115,135:white
/10/quad-100x120.jpg            200 jpeg 120x140 px=5,5:white~4 px=20,20:red~14
/10/quad-100x120.gif            200 gif 120x140 px=5,5:white px=15,15:red
/v/quad-100x120.png?p=1,2,3,4   200 png 112x128 px=7,1:white px=8,2:red px=107,121:yellow px=108,122:white
/v/quad-100x120.png?p=5&b=navy  200 png 120x140 px=5,5:navy px=15,15:red
/v/quad-100x120.png?p=5&b=transparent 200 png 120x140 alpha px=5,5:none px=15,15:red
/v/quad-100x120.jpg?p=5&b=transparent 200 jpeg 120x140 px=5,5:white~4
/v/quad-100x120.png?p=1,2       415 log=info:image_resize_padding
/v/quad-100x120.gif?p=5&b=transparent 200 gif 120x140 px=5,5:none px=15,15:red
/blur/quad-100x120.png          200 png 200x120 px=5,5:red~60 px=195,115:yellow~60 px=55,5:red px=145,115:yellow
/url/quad-100x120.png?padding=10&background=%23ff000080&format=jpeg 200 jpeg 120x140 px=3,3:#ff7f7f~24
/url/quad-100x120.png?padding=10&background=transparent&format=webp 200 webp 120x140
/url/quad-100x120.png?padding=0:0:0:20&width=10 200 png 30x12 px=5,5:white px=22,2:red
/url/quad-100x120.png?width=200&height=120&fit=pad&gravity=west:10:0 200 png 200x120 px=5,60:white px=15,5:red px=105,5:lime px=115,60:white
/url/quad-100x120.png?width=40&height=40&fit=crop&gravity=northwest:0:8 200 png 40x40
/url/quad-100x120.png?padding=-1 400
/url/quad-100x120.png?background=blurry 400


=== TEST 9: what is trimmed
--- config
    location /w/   { image_resize convert; image_resize_trim 10,20,30,40; alias $TEST_NGINX_FIXTURES/; }
    location /v/   { image_resize convert; image_resize_trim 0 color=$arg_c equal=$arg_e; alias $TEST_NGINX_FIXTURES/; }
    location /url/ { image_resize_params $args; image_resize_allow trim=* trim_color=* trim_equal=*; alias $TEST_NGINX_FIXTURES/; }
--- rows
/w/quad-100x120.png             200 png 40x80 px=0,0:red px=39,79:yellow px=39,0:lime px=0,79:blue
/v/quad-100x120.png?c=white     200 png 100x120
/v/quad-100x120.png?e=none      415 log=info:equal
/url/quad-100x120.png?trim=10:20:30:40 200 png 40x80
/url/quad-100x120.png?trim=60:0:60:0 400
/url/quad-100x120.png?trim=0&trim_color=red&trim_equal=both 200 png 100x120


=== TEST 10: lossless, subsampling, colors
--- config
    location /l/   { image_resize resize 150 -; image_resize_format webp; image_resize_lossless on; alias $TEST_NGINX_FIXTURES/; }
    location /p/   { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /url/ { image_resize_params $args; image_resize_allow width=* format=* quality=* lossless=* subsampling=* colors=8-256; alias $TEST_NGINX_FIXTURES/; }
--- rows
/p/photo-300x200.png            200 png 150x100 psnr>35:photo-300x200.png
/l/photo-300x200.png            200 webp 150x100 psnr>35:photo-300x200.png
/url/photo-300x200.png?width=150&format=jpeg&quality=60 200 jpeg 150x100 components=3
/url/photo-300x200.png?width=150&format=jpeg&quality=60&subsampling=444 200 jpeg 150x100 components=3
/url/photo-300x200.png?width=150&colors=16 200 png 150x100 psnr>20:photo-300x200.png
/url/photo-300x200.png?width=150&colors=7 403
/url/photo-300x200.png?width=150&subsampling=411 400


=== TEST 11: masks, and turns by any angle
--- config
    location /m/   { image_resize crop 100 100; image_resize_mask $arg_m; alias $TEST_NGINX_FIXTURES/; }
    location /url/ { image_resize_params $args; image_resize_allow rotate=* mask=* background=* format=* width=* height=* fit=* padding=*; alias $TEST_NGINX_FIXTURES/; }
--- rows
/m/quad-100x120.png?m=circle    200 png 100x100 alpha px=2,2:none px=30,30:red px=70,70:yellow px=97,97:none
/m/quad-100x120.jpg?m=circle    200 jpeg 100x100 px=2,2:white~6 px=30,30:red~14
/m/quad-100x120.png?m=star      200 png 100x100 alpha px=48,25:red px=52,25:lime px=2,2:none px=50,97:none px=10,10:none
/m/quad-100x120.png?m=moon      415 log=info:image_resize_mask
/url/quad-100x120.png?mask=ellipse&padding=10&background=navy 200 png 120x140 px=2,2:navy px=15,15:navy px=50,30:red
# 100 sin 45 + 120 cos 45; the left side comes to lie on top
/url/quad-100x120.png?rotate=45 200 png 156x156 px=5,5:white px=78,30:red px=125,78:lime px=30,78:blue px=78,125:yellow px=150,150:white
/url/quad-100x120.png?rotate=45&background=transparent 200 png 156x156 alpha px=5,5:none px=78,30:red
/url/quad-100x120.jpg?rotate=45&background=navy 200 jpeg 156x156 px=5,5:navy~20 px=78,30:red~20
/url/quad-100x120.png?rotate=135 200 png 156x156 px=78,125:lime px=78,30:blue
/url/quad-100x120.png?rotate=-270 200 png 120x100 px=5,5:blue px=115,5:red
/url/quad-100x120.png?rotate=22.5&width=200&height=200&fit=pad&format=webp 200 webp 230x249
/url/quad-100x120.png?rotate=361 400
/url/quad-100x120.png?mask=triangle-180&background=navy&format=jpeg 200 jpeg 100x120 px=2,116:navy~9 px=50,5:navy~9 px=20,24:red~14
/url/quad-100x120.png?mask=moon 400


=== TEST 12: borders, and masks with nothing around them
--- config
    location /b/   { image_resize resize 50 -; image_resize_border $arg_b color=$arg_c place=$arg_p; alias $TEST_NGINX_FIXTURES/; }
    location /url/ { image_resize_params $args; image_resize_allow width=* height=* fit=* mask=* mask_trim=* border=* border_color=* crop=* crop_gravity=* clamp=* dpr=* format=*; alias $TEST_NGINX_FIXTURES/; }
--- rows
/b/quad-100x120.png?b=2&c=navy            200 png 54x64 px=1,30:navy px=3,3:red px=52,62:navy px=50,60:yellow
/b/quad-100x120.png?b=1:2:3:4             200 png 56x64 px=3,30:black px=5,5:red px=55,63:black
/b/quad-100x120.png?b=9&c=navy&p=over     200 png 50x60 px=4,30:navy px=12,12:red
/b/quad-100x120.jpg?b=9&c=navy            200 jpeg 68x78 px=4,30:navy~14 px=20,20:red~14
/b/quad-100x120.png                       200 png 50x60 px=1,1:red
/b/quad-100x120.png?b=1:2                 415 log=info:image_resize_border
/url/quad-100x120.png?border=5&border_color=navy&dpr=2&width=20 200 png 60x68 px=9,9:navy px=11,11:red
/url/quad-100x120.png?mask=circle&mask_trim=on 200 png 100x100 alpha px=2,2:none px=30,30:red
/url/quad-100x120.png?crop=0:0:20:20&crop_gravity=southeast 200 png 20x20 px=5,5:yellow
/url/quad-100x120.png?crop=0:0:20:20&crop_gravity=center 200 png 20x20 px=2,2:red px=17,17:yellow
/url/quad-100x120.png?width=300&height=300&fit=aspect-pad 200 png 120x120
/url/quad-100x120.png?width=60&height=30&fit=auto 200 png 25x30
/url/quad-100x120.png?width=30&height=60&fit=auto 200 png 30x60
/url/quad-100x120.png?width=200&height=120&fit=stretch&clamp=ratio 200 png 100x60
/url/quad-100x120.png?border=1&border_color=blur 400
