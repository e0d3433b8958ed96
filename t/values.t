# Each directive that is a value: effect, default, inheritance, bad variables.

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

=== TEST 1: image_resize_jpeg_quality
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /40/      { image_resize resize 150 -; image_resize_jpeg_quality 40; alias $TEST_NGINX_FIXTURES/; }
    location /95/      { image_resize resize 150 -; image_resize_jpeg_quality 95; alias $TEST_NGINX_FIXTURES/; }
    location /100/     { image_resize resize 150 -; image_resize_jpeg_quality 100; alias $TEST_NGINX_FIXTURES/; }
    location /250/     { image_resize resize 150 -; image_resize_jpeg_quality 250; alias $TEST_NGINX_FIXTURES/; }
    location /1/       { image_resize resize 150 -; image_resize_jpeg_quality 1; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200.jpg      200 jpeg 150x100 q=75
/40/photo-300x200.jpg           200 jpeg 150x100 q=40 prev<
/95/photo-300x200.jpg           200 jpeg 150x100 q=95 prev>
/100/photo-300x200.jpg          200 jpeg 150x100 q=100 prev>
/250/photo-300x200.jpg          200 jpeg 150x100 q=100 again
/1/photo-300x200.jpg            200 jpeg 150x100 q=1 prev<
# the quality of the source is no matter
/default/photo-300x200-q30.jpg  200 jpeg 150x100 q=75
# and neither is the directive where no JPEG comes out
/40/photo-300x200.png           200 png 150x100


=== TEST 2: image_resize_jpeg_quality with a variable
--- config
    location / {
        image_resize resize 150 -;
        image_resize_jpeg_quality $arg_q;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/photo-300x200.jpg?q=60         200 jpeg 150x100 q=60
/photo-300x200.jpg?q=100        200 jpeg 150x100 q=100
/photo-300x200.jpg?q=101        200 jpeg 150x100 q=100 again
/photo-300x200.jpg?q=0          415
/photo-300x200.jpg?q=-1         415
/photo-300x200.jpg?q=x          415
/photo-300x200.jpg?q=60x        415
/photo-300x200.jpg?q=           415
/photo-300x200.jpg              415


=== TEST 3: the values of http, server and location
--- http_config
    image_resize_jpeg_quality 30;
    image_resize_webp_quality 30;
    image_resize_interlace on;
--- config
    image_resize_jpeg_quality 50;

    location /server/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /own/ {
        image_resize resize 150 -;
        image_resize_jpeg_quality 60;
        image_resize_interlace off;
        alias $TEST_NGINX_FIXTURES/;
        location /own/child/ {
            alias $TEST_NGINX_FIXTURES/;
        }
        location /own/other/ {
            image_resize crop 50 50;
            alias $TEST_NGINX_FIXTURES/;
        }
    }
--- rows
/server/photo-300x200.jpg       200 jpeg 150x100 q=50 interlaced
/own/photo-300x200.jpg          200 jpeg 150x100 q=60 sequential
/own/child/photo-300x200.jpg    200 jpeg 150x100 q=60 sequential
/own/other/photo-300x200.jpg    200 jpeg 50x50 q=60 sequential


=== TEST 4: what only http says
--- http_config
    image_resize_jpeg_quality 30;
    image_resize_buffer 30k;
    image_resize_format png;
    image_resize_profile keep;
    image_resize_metadata keep;
    image_resize_orient off;
    image_resize_limit width=500;
--- config
    location /a/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /b/ {
        image_resize resize 150 -;
        image_resize_format jpeg;
        image_resize_buffer 1m;
        image_resize_limit width=700;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/a/photo-300x200-icc_a98.jpg    200 png 150x100 icc=a98
/a/photo-600x400.jpg            415
/a/quad-600x40.png              415
/b/photo-300x200-icc_a98.jpg    200 jpeg 150x100 icc=a98 q=30
/b/photo-600x400.jpg            200 jpeg 150x100
/b/quad-600x40.png              200 jpeg 150x10
/b/quad-300x360-exif6.jpg       200 jpeg 150x125


=== TEST 5: image_resize_webp_quality
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /80/      { image_resize resize 150 -; image_resize_webp_quality 80; alias $TEST_NGINX_FIXTURES/; }
    location /20/      { image_resize resize 150 -; image_resize_webp_quality 20; alias $TEST_NGINX_FIXTURES/; }
    location /95/      { image_resize resize 150 -; image_resize_webp_quality 95; alias $TEST_NGINX_FIXTURES/; }
    location /100/     { image_resize resize 150 -; image_resize_webp_quality 100; alias $TEST_NGINX_FIXTURES/; }
    location /200/     { image_resize resize 150 -; image_resize_webp_quality 200; alias $TEST_NGINX_FIXTURES/; }
    location /fast/    { image_resize resize 150 -; image_resize_webp_quality 80 effort=0; alias $TEST_NGINX_FIXTURES/; }
    location /best/    { image_resize resize 150 -; image_resize_webp_quality 80 effort=6; alias $TEST_NGINX_FIXTURES/; }
    location /v/       { image_resize resize 150 -; image_resize_webp_quality $arg_q; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200.webp     200 webp 150x100 lossy psnr>29:photo-300x200.webp
/80/photo-300x200.webp          200 webp 150x100 again
/20/photo-300x200.webp          200 webp 150x100 prev<
/95/photo-300x200.webp          200 webp 150x100 prev>
/100/photo-300x200.webp         200 webp 150x100 prev>
/200/photo-300x200.webp         200 webp 150x100 again
/fast/photo-300x200.webp        200 webp 150x100 prev< psnr>29:photo-300x200.webp
/best/photo-300x200.webp        200 webp 150x100 changed prev< psnr>29:photo-300x200.webp
/v/photo-300x200.webp?q=80      200 webp 150x100
/80/photo-300x200.webp          200 again
/v/photo-300x200.webp?q=0       415
/v/photo-300x200.webp?q=x       415
/v/photo-300x200.webp           415


=== TEST 6: image_resize_interlace
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /off/     { image_resize resize 150 -; image_resize_interlace off; alias $TEST_NGINX_FIXTURES/; }
    location /on/      { image_resize resize 150 -; image_resize_interlace on;  alias $TEST_NGINX_FIXTURES/; }
    location /asis/    { image_resize resize 600 600; image_resize_interlace on;  alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200.jpg              200 jpeg 150x100 sequential
/off/photo-300x200.jpg                  200 jpeg 150x100 sequential
/off/photo-300x200-progressive.jpg      200 jpeg 150x100 sequential
/on/photo-300x200.jpg                   200 jpeg 150x100 interlaced psnr>28:photo-300x200.jpg
/on/photo-300x200.png                   200 png 150x100 interlaced psnr>30:photo-300x200.png
/on/photo-300x200.gif                   200 gif 150x100 interlaced
/on/quad-300x360-palette.png            200 png 150x180 interlaced px=10,10:red px=140,170:yellow
/off/photo-300x200-interlaced.png       200 png 150x100 sequential
/off/quad-300x360-interlaced.gif        200 gif 150x180 sequential
/on/photo-300x200.webp                  200 webp 150x100


=== TEST 7: image_resize_transparency keeps or flattens the transparency of palettes
--- config
    location /default/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /on/      { image_resize resize 50 -; image_resize_transparency on; alias $TEST_NGINX_FIXTURES/; }
    location /off/     { image_resize resize 50 -; image_resize_transparency off; alias $TEST_NGINX_FIXTURES/; }
    location /red/     { image_resize resize 50 -; image_resize_transparency off; image_resize_background "#ff0000"; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/quad-100x120-trns.png          200 png 50x60 alpha px=5,5:none px=45,5:lime px=5,55:blue px=45,55:yellow
/default/quad-100x120-trns.gif          200 gif 50x60 alpha px=5,5:none px=45,5:lime px=5,55:blue px=45,55:yellow
/on/quad-100x120-trns.png               200 png 50x60 alpha px=5,5:none px=45,5:lime
/on/quad-100x120-trns.gif               200 gif 50x60 alpha px=5,5:none px=45,5:lime
/off/quad-100x120-trns.png              200 png 50x60 opaque px=5,5:white px=45,5:lime px=45,55:yellow
/off/quad-100x120-trns.gif              200 gif 50x60 opaque px=5,5:white px=45,5:lime px=45,55:yellow
/red/quad-100x120-trns.png              200 png 50x60 opaque px=5,5:red px=45,5:lime
/red/quad-100x120-trns.gif              200 gif 50x60 opaque px=5,5:red px=45,5:lime


=== TEST 8: true-colour alpha survives resizing, cropping and rotation
--- config
    location /r/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /c/ { image_resize crop 40 40; alias $TEST_NGINX_FIXTURES/; }
    location /90/ { image_resize rotate 90; alias $TEST_NGINX_FIXTURES/; }
    location /90trns/ { image_resize rotate 90; alias $TEST_NGINX_FIXTURES/; }
--- rows
/r/quad-100x120-alpha.png       200 png 50x60 alpha px=5,5:none px=45,5:lime px=45,55:yellow@0.5 psnr>30:quad-100x120-alpha.png
/c/quad-100x120-alpha.png       200 png 40x40 alpha px=5,5:none px=35,5:lime px=35,35:yellow@0.5
/90/quad-100x120-alpha.png      200 png 120x100 alpha px=5,5:lime px=115,5:yellow@0.5 px=5,95:none px=115,95:blue
/90/quad-100x120-trns.gif       200 gif 120x100 alpha px=5,5:lime px=115,5:yellow px=5,95:none px=115,95:blue
/90/quad-100x120-trns.png       200 png 120x100 alpha px=5,5:lime px=115,5:yellow px=5,95:none px=115,95:blue
/r/quad-100x120-graya.png       200 png 50x60 alpha px=5,5:none px=45,55:any@0.5
/r/quad-100x120-alpha.webp      200 webp 50x60 alpha px=5,5:none px=45,5:lime px=45,55:yellow@0.5


=== TEST 9: no dark or light rim: colour is premultiplied while scaling
--- config
    location /r/ { image_resize resize 33 -; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    # red, transparent above left, against lime: where alpha is not zero, no pixel of
    # the border between lime and nothing may have taken the red below the nothing
    my $r = client()->get('/r/quad-100x120-alpha.png');
    Test::More::is($r->{status}, 200, "$name - status");
    my ($img) = decode($r->{body});
    my ($w, $h) = $img->Get('width', 'height');
    my $bad = 0;
    for my $y (0 .. $h / 2 - 4) {
        for my $x (0 .. $w - 1) {
            my ($red, $g, $b, $o) = map { 255 * $_ } $img->GetPixel(x => $x, y => $y, channel => 'RGBA');
            next if $o > 200;          # almost transparent; o is transparency here
            $bad++ if $red > 60;
        }
    }
    Test::More::is($bad, 0, "$name - pixels with a rim");
}


=== TEST 10: image_resize_background under what the format can't show
--- config
    location /default/ { image_resize resize 50 -; image_resize_format jpeg; alias $TEST_NGINX_FIXTURES/; }
    location /name/    { image_resize resize 50 -; image_resize_format jpeg; image_resize_background fuchsia; alias $TEST_NGINX_FIXTURES/; }
    location /hex6/    { image_resize resize 50 -; image_resize_format jpeg; image_resize_background "#00ffff"; alias $TEST_NGINX_FIXTURES/; }
    location /hex3/    { image_resize resize 50 -; image_resize_format jpeg; image_resize_background "#0ff"; alias $TEST_NGINX_FIXTURES/; }
    location /bare/    { image_resize resize 50 -; image_resize_format jpeg; image_resize_background 00ffff; alias $TEST_NGINX_FIXTURES/; }
    location /rgb/     { image_resize resize 50 -; image_resize_format jpeg; image_resize_background "rgb(0, 255, 255)"; alias $TEST_NGINX_FIXTURES/; }
    location /v/       { image_resize resize 50 -; image_resize_format jpeg; image_resize_background $arg_b; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/quad-100x120-alpha.png 200 jpeg 50x60 px=5,5:white px=45,5:lime px=45,55:#ffff80
/default/quad-100x120-trns.gif  200 jpeg 50x60 px=5,5:white px=45,5:lime px=45,55:yellow
/default/quad-100x120-alpha.webp 200 jpeg 50x60 px=5,5:white px=45,5:lime px=45,55:#ffff80
/name/quad-100x120-alpha.png    200 jpeg 50x60 px=5,5:fuchsia px=45,55:#ff8080
/hex6/quad-100x120-alpha.png    200 jpeg 50x60 px=5,5:cyan px=45,55:#80ff80
/hex3/quad-100x120-alpha.png    200 jpeg 50x60 again
/bare/quad-100x120-alpha.png    200 jpeg 50x60 again
/rgb/quad-100x120-alpha.png     200 jpeg 50x60 again
/v/quad-100x120-alpha.png?b=00ffff 200 jpeg 50x60 again
/v/quad-100x120-alpha.png?b=navy 200 jpeg 50x60 px=5,5:navy
/v/quad-100x120-alpha.png?b=nocolour 415


=== TEST 11: an empty variable leaves an optional value at its default
--- config
    location / {
        image_resize resize 50 -;
        image_resize_sharpen $arg_s;
        image_resize_background $arg_b;
        image_resize_format $arg_f;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/quad-100x120-alpha.png         200 png 50x60 alpha
/quad-100x120-alpha.png?f=jpeg  200 jpeg 50x60 px=5,5:white


=== TEST 12: image_resize_sharpen
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /0/       { image_resize resize 150 -; image_resize_sharpen 0;   alias $TEST_NGINX_FIXTURES/; }
    location /50/      { image_resize resize 150 -; image_resize_sharpen 50;  alias $TEST_NGINX_FIXTURES/; }
    location /200/     { image_resize resize 150 -; image_resize_sharpen 200; alias $TEST_NGINX_FIXTURES/; }
    location /v/       { image_resize resize 150 -; image_resize_sharpen $arg_s; alias $TEST_NGINX_FIXTURES/; }
    location /whole/   { image_resize resize 300 200; image_resize_sharpen 50; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200.png      200 png 150x100
/0/photo-300x200.png            200 again
/50/photo-300x200.png           200 png 150x100 sharper psnr>18:photo-300x200.png psnr<45:photo-300x200.png
/200/photo-300x200.png          200 png 150x100 sharper
/v/photo-300x200.png?s=200      200 again
/v/photo-300x200.png?s=0        200 png 150x100 psnr>35:photo-300x200.png
/v/photo-300x200.png?s=-5       415
/v/photo-300x200.png?s=x        415
/default/photo-300x200.jpg      200 jpeg 150x100
/50/photo-300x200.jpg           200 jpeg 150x100 sharper
# a flat picture stays what it is
/200/flat-300x200.png           200 png 150x100 px=0,0:#808080~1 px=75,50:#808080~1
# alpha is not sharpened away
/50/quad-300x360-alpha.png      200 png 150x180 alpha px=10,10:none px=140,170:yellow@0.5
# another pixel change: no longer as it came
/whole/photo-300x200.png        200 png 300x200 etag=weak psnr<60:photo-300x200.png


=== TEST 13: image_resize_buffer, default 16m
--- config
    location /static/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /p/ {
        image_resize resize 50 -;
        proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
    }
--- rows
/static/padded-16m.png                  200 png 50x60
/static/padded-16m1.png                 415
/p/plain/padded-16m.png                 200 png 50x60
/p/plain/padded-16m1.png                415
/p/chunked,chunk=1000000/padded-16m.png 200 png 50x60
/p/chunked,chunk=1000000/padded-16m1.png 415


=== TEST 14: image_resize_buffer, by length and by count
--- config
    image_resize_buffer 1k;
    location /static/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /size/   { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /p/ {
        image_resize resize 50 -;
        proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
    }
    location /big/ {
        image_resize resize 50 -;
        image_resize_buffer 1m;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/static/quad-100x120.png                200 png 50x60
/static/photo-300x200.jpg               415
/p/plain/quad-100x120.png               200 png 50x60
/p/plain/photo-300x200.jpg              415
/p/chunked,chunk=100/quad-100x120.png   200 png 50x60
/p/chunked,chunk=100/photo-300x200.jpg  415
/p/close/photo-300x200.jpg              415
/p/gzip/quad-100x120.png                200 png 50x60
# what was packed counts unpacked too
/p/gzip/zeros.bin                       415
/big/photo-300x200.jpg                  200 jpeg 50x33
/size/photo-300x200.jpg                 415


=== TEST 15: image_resize_format with constants and a variable
--- config
    location /v/ { image_resize resize 50 -; image_resize_format $arg_f; alias $TEST_NGINX_FIXTURES/; }
    location /original/ { image_resize resize 50 -; image_resize_format original; alias $TEST_NGINX_FIXTURES/; }
--- rows
/v/quad-100x120.png?f=jpeg      200 jpeg 50x60 Content-Type=image/jpeg
/v/quad-100x120.png?f=png       200 png 50x60 Content-Type=image/png
/v/quad-100x120.png?f=gif       200 gif 50x60 Content-Type=image/gif
/v/quad-100x120.png?f=webp      200 webp 50x60 Content-Type=image/webp
/v/quad-100x120.png?f=original  200 png 50x60 Content-Type=image/png
/v/quad-100x120.png?f=bmp       415
/v/quad-100x120.png?f=image/png 415
/original/quad-100x120.gif      200 gif 50x60
/original/quad-100x120.webp     200 webp 50x60


=== TEST 16: a change of format alone is reason enough to encode
--- config
    location /jpeg/ { image_resize resize 400 400; image_resize_format jpeg; alias $TEST_NGINX_FIXTURES/; }
    location /same/ { image_resize resize 400 400; image_resize_format png; alias $TEST_NGINX_FIXTURES/; }
--- rows
/jpeg/photo-300x200.png         200 jpeg 300x200 etag=weak psnr>30:photo-300x200.png
/same/photo-300x200.png         200 same=photo-300x200.png etag=strong
/jpeg/photo-300x200.jpg         200 same=photo-300x200.jpg etag=strong
