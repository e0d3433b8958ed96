# pad, stretch, info, and the named values of a box.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: pad fits into the box and fills the rest
--- config
    location /wide/  { image_resize pad 90 60; alias $TEST_NGINX_FIXTURES/; }
    location /large/ { image_resize pad 140 160; alias $TEST_NGINX_FIXTURES/; }
    location /grow/  { image_resize pad 300 240 enlarge=on background=navy; alias $TEST_NGINX_FIXTURES/; }
    location /dash/  { image_resize pad 200 -; alias $TEST_NGINX_FIXTURES/; }
    location /black/ { image_resize pad 200 120 background=black; image_resize_background red; alias $TEST_NGINX_FIXTURES/; }
    location /red/   { image_resize pad 200 120; image_resize_background red; alias $TEST_NGINX_FIXTURES/; }
    location /se/    { image_resize pad 200 120 gravity=southeast; alias $TEST_NGINX_FIXTURES/; }
    location /point/ { image_resize pad 200 120 gravity=0.25:0; alias $TEST_NGINX_FIXTURES/; }
    location /fits/  { image_resize pad 100 120; alias $TEST_NGINX_FIXTURES/; }
    location /turn/  { image_resize pad 120 100; image_resize rotate 90; alias $TEST_NGINX_FIXTURES/; }
--- rows
/wide/quad-100x120.png      200 png 90x60 px=10,30:white px=80,30:white px=25,5:red px=60,55:yellow
/large/quad-100x120.png     200 png 140x160 px=10,80:white px=70,10:white px=25,25:red px=115,25:lime px=115,135:yellow
/grow/quad-100x120.png      200 png 300x240 px=20,120:navy px=280,120:navy px=60,5:red px=240,230:yellow
/dash/quad-100x120.png      200 png 200x120 px=20,60:white px=60,10:red px=140,110:yellow
/black/quad-100x120.png     200 png 200x120 px=20,60:black px=60,10:red
/red/quad-100x120.png       200 png 200x120 px=20,60:red px=60,110:blue
/se/quad-100x120.png        200 png 200x120 px=20,60:white px=110,10:red px=190,110:yellow
/point/quad-100x120.png     200 png 200x120 px=10,60:white px=30,10:red px=120,110:yellow px=190,60:white
# what is transparent shows the canvas
/black/quad-100x120-alpha.png 200 png 200x120 opaque px=20,60:black px=60,10:black px=140,10:lime
/black/quad-100x120-trns.gif  200 gif 200x120 px=20,60:black px=140,10:lime
/wide/quad-100x120.jpg      200 jpeg 90x60 px=10,30:white~4 px=25,5:red~14
/wide/quad-100x120.webp     200 webp 90x60
/wide/quad-100x120-gray.png 200 png 90x60 px=10,30:white
# nothing to be done
/fits/quad-100x120.png      200 same=quad-100x120.png etag=strong
# the box is that of the turned image
/turn/quad-100x120.png      200 png 120x100 px=5,5:lime px=115,95:blue


=== TEST 2: stretch makes exactly that size
--- config
    location /a/    { image_resize stretch 40 30; alias $TEST_NGINX_FIXTURES/; }
    location /up/   { image_resize stretch 250 130; alias $TEST_NGINX_FIXTURES/; }
    location /dash/ { image_resize stretch - 30; alias $TEST_NGINX_FIXTURES/; }
    location /turn/ { image_resize stretch 40 30; image_resize rotate 90; alias $TEST_NGINX_FIXTURES/; }
    location /v/    { image_resize stretch $arg_w $arg_h; alias $TEST_NGINX_FIXTURES/; }
--- rows
/a/quad-100x120.png     200 png 40x30 px=5,5:red px=35,5:lime px=5,25:blue px=35,25:yellow
/a/photo-300x200.jpg    200 jpeg 40x30 psnr>25:photo-300x200.png,resize:40x30
/up/quad-100x120.gif    200 gif 250x130 px=10,10:red px=240,120:yellow
/dash/quad-100x120.png  200 png 100x30
/turn/quad-100x120.png  200 png 40x30 px=5,5:lime px=35,25:blue
/v/quad-100x120.png?w=7&h=200 200 png 7x200
/v/quad-100x120.png?w=7 415
/v/quad-100x120.png?w=0&h=7 415
/v/quad-100x120.png?w=9999&h=9999 415 log=info:too_many_pixels


=== TEST 3: enlarge
--- config
    location /r/  { image_resize resize 200 200 enlarge=on; alias $TEST_NGINX_FIXTURES/; }
    location /c/  { image_resize crop 200 200 enlarge=on; alias $TEST_NGINX_FIXTURES/; }
    location /no/ { image_resize crop 200 200 enlarge=off; alias $TEST_NGINX_FIXTURES/; }
    location /v/  { image_resize resize 200 - enlarge=$arg_e; alias $TEST_NGINX_FIXTURES/; }
--- rows
/r/quad-100x120.png     200 png 166x200 px=10,10:red px=150,190:yellow
/r/photo-300x200.jpg    200 jpeg 200x133
/c/quad-100x120.png     200 png 200x200 px=10,10:red px=190,190:yellow
/no/quad-100x120.png    200 same=quad-100x120.png
/v/quad-100x120.png?e=on 200 png 200x240
/v/quad-100x120.png?e=off 200 same=quad-100x120.png
/v/quad-100x120.png     200 same=quad-100x120.png
/v/quad-100x120.png?e=1 415 log=info:enlarge


=== TEST 4: gravity of a crop
--- config
    location /default/ { image_resize crop 40 120; alias $TEST_NGINX_FIXTURES/; }
    location /v/       { image_resize crop 40 120 gravity=$arg_g; alias $TEST_NGINX_FIXTURES/; }
    location /top/     { image_resize crop 100 40 gravity=$arg_g; alias $TEST_NGINX_FIXTURES/; }
    location /turn/    { image_resize crop 120 40 gravity=$arg_g; image_resize rotate 90; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/quad-100x120.png       200 png 40x120 px=5,5:red px=35,5:lime
/v/quad-100x120.png             200 again
/v/quad-100x120.png?g=center    200 again
/v/quad-100x120.png?g=0.5:0.9   200 again
/v/quad-100x120.png?g=west      200 png 40x120 px=5,5:red px=35,5:red
/v/quad-100x120.png?g=0:0.5     200 again
/v/quad-100x120.png?g=0.2:0.5   200 again
/v/quad-100x120.png?g=east      200 png 40x120 px=5,5:lime px=35,115:yellow
/v/quad-100x120.png?g=northeast 200 again
# the point comes into the middle
/v/quad-100x120.png?g=0.4:0     200 png 40x120 px=26,5:red px=33,5:lime
/top/quad-100x120.png?g=north   200 png 100x40 px=5,35:red px=95,35:lime
/top/quad-100x120.png?g=southwest 200 png 100x40 px=5,5:blue px=95,5:yellow
/v/quad-100x120.png?g=up        415 log=info:gravity
/v/quad-100x120.png?g=2:0       415
# it is that of what comes out
/turn/quad-100x120.png?g=north  200 png px=5,5:lime


=== TEST 5: smart gravity finds the cup
--- config
    location /s/ { image_resize crop 100 200 gravity=smart; alias $TEST_NGINX_FIXTURES/; }
    location /w/ { image_resize crop 100 200 gravity=west; alias $TEST_NGINX_FIXTURES/; }
    location /e/ { image_resize crop 100 200 gravity=east; alias $TEST_NGINX_FIXTURES/; }
    location /p/ { image_resize crop 100 200 gravity=0.5:0.5; alias $TEST_NGINX_FIXTURES/; }
--- rows
# it stands between 87 and 207 of 300 pixels across
/s/photo-300x200.png    200 png 100x200 psnr<16:photo-300x200.png,crop:100x200+0+0 psnr<16:photo-300x200.png,crop:100x200+200+0
/s/photo-300x200.png    200 again
/s/photo-300x200.jpg    200 jpeg 100x200
/s/photo-300x200-exif6.jpg 200 jpeg 100x200
/s/quad-100x120.png     200 same=quad-100x120.png
/s/flat-300x200.png     200 png 100x200


=== TEST 6: dpr multiplies the box
--- config
    location /2/   { image_resize crop 20 20 dpr=2; alias $TEST_NGINX_FIXTURES/; }
    location /15/  { image_resize resize 33 - dpr=1.5; alias $TEST_NGINX_FIXTURES/; }
    location /v/   { image_resize resize 20 - dpr=$http_dpr; alias $TEST_NGINX_FIXTURES/; }
--- rows
/2/quad-100x120.png                 200 png 40x40
/15/quad-100x120.png                200 png 50x60
/v/quad-100x120.png                 200 png 20x24
/v/quad-100x120.png [DPR: 3]        200 png 60x72
/v/quad-100x120.png [DPR: 4.0]      200 png 80x96
/v/quad-100x120.png [DPR: 5]        415 log=info:dpr
/v/quad-100x120.png [DPR: 0.5]      415


=== TEST 7: a box is inherited whole, or not at all
--- config
    location /a/ {
        image_resize crop 40 120 gravity=east;
        alias $TEST_NGINX_FIXTURES/;
        location /a/b/ { alias $TEST_NGINX_FIXTURES/; }
        location /a/c/ { image_resize crop 40 120; alias $TEST_NGINX_FIXTURES/; }
    }
--- rows
/a/quad-100x120.png     200 png 40x120 px=5,5:lime
/a/b/quad-100x120.png   200 again
/a/c/quad-100x120.png   200 png 40x120 px=5,5:red


=== TEST 8: info
--- config
    location /i/    { image_resize info; alias $TEST_NGINX_FIXTURES/; }
    location /lie/  { image_resize info; image_resize_orient off; alias $TEST_NGINX_FIXTURES/; }
    location /lim/  { image_resize info; image_resize_limit pixels=1000; alias $TEST_NGINX_FIXTURES/; }
    location /strict/ { image_resize info; image_resize_damaged strict; alias $TEST_NGINX_FIXTURES/; }
--- rows
/i/quad-100x120-exif6.jpg   200 Content-Type=application/json etag=weak
/i/quad-100x120-exif6.jpg [If-None-Match: $etag] 304 empty
/i/text.txt                 415 log=info:not_image
/strict/trunc_photo-300x200.jpg 415 log=info:decode_failed
/strict/photo-300x200.jpg   200 etag=other
/i/most_photo-300x200.jpg   200 log=info:damaged
/lim/photo-300x200.jpg      415 log=info:too_many_pixels
/i/absent.jpg               404


=== TEST 9: what info says
--- config
    location /i/    { image_resize info; alias $TEST_NGINX_FIXTURES/; }
    location /lie/  { image_resize info; image_resize_orient off; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture($_) for my @names = qw(flat-300x200.png quad-100x120-exif6.jpg quad-100x120-alpha.png
        quad-100x120-animated.gif photo-300x200-icc_a98.jpg photo-300x200-progressive.jpg photo-300x200-16.png);
    my $hash = qr/"thumbhash": "[A-Za-z0-9+\/]{8,36}={0,2}"/;
    my $line = sub {
        my ($type, $w, $h, $o, $frames, $alpha, $bits, $profile, $progressive, $bytes, $color) = @_;
        return qr/^\{ "type": "$type", "width": $w, "height": $h, "orientation": $o, "frames": $frames, "alpha": $alpha, "bits": $bits, "has_profile": $profile, "progressive": $progressive, "bytes": $bytes, "dominant_color": "$color", $hash \}\r\n$/;
    };
    my $any = '#[0-9a-f]{6}';
    my @want = (
        ['/i/flat-300x200.png', 'png', 300, 200, 1, 1, 'false', '\d+', 'false', 'false', '#808080'],
        ['/i/quad-100x120-exif6.jpg', 'jpeg', 100, 120, 6, 1, 'false', 8, 'false', 'false', $any],
        ['/lie/quad-100x120-exif6.jpg', 'jpeg', 120, 100, 6, 1, 'false', 8, 'false', 'false', $any],
        ['/i/quad-100x120-alpha.png', 'png', 100, 120, 1, 1, 'true', 8, 'false', 'false', $any],
        ['/i/quad-100x120-animated.gif', 'gif', 100, 120, 1, '[2-9]', '\w+', 8, 'false', 'false', $any],
        ['/i/photo-300x200-icc_a98.jpg', 'jpeg', 300, 200, 1, 1, 'false', 8, 'true', 'false', $any],
        ['/i/photo-300x200-progressive.jpg', 'jpeg', 300, 200, 1, 1, 'false', 8, 'false', 'true', $any],
        ['/i/photo-300x200-16.png', 'png', 300, 200, 1, 1, 'false', 16, 'false', 'false', $any],
    );
    my $c = client();
    for (@want) {
        my ($uri, @facts) = @$_;
        (my $file = $uri) =~ s{.*/}{};
        splice @facts, 9, 0, length fixture($file);
        my $r = $c->get($uri);
        Test::More::like($r->{body}, $line->(@facts), "$name - $uri");
    }
}


=== TEST 10: outside, aspect-crop, and the nearest number of pixels
--- config
    location /near/ { image_resize resize 250 - round=nearest; alias $TEST_NGINX_FIXTURES/; }
    location /v/    { image_resize resize $arg_w - round=$arg_r; alias $TEST_NGINX_FIXTURES/; }
    location /out/  { image_resize outside 40 40; alias $TEST_NGINX_FIXTURES/; }
    location /up/   { image_resize outside 150 60 enlarge=on; alias $TEST_NGINX_FIXTURES/; }
    location /a/    { image_resize aspect-crop 300 60; alias $TEST_NGINX_FIXTURES/; }
    location /east/ { image_resize aspect-crop 60 240 gravity=east; alias $TEST_NGINX_FIXTURES/; }
    location /url/  { image_resize_params $args; image_resize_allow width=* height=* fit=* round=*; alias $TEST_NGINX_FIXTURES/; }
--- rows
/near/photo-300x200.png         200 png 250x167 psnr>35:photo-300x200.png,resize:250x167
/v/photo-300x200.png?w=250&r=nearest 200 png 250x167
/v/photo-300x200.png?w=250&r=down 200 png 250x166
/v/photo-300x200.png?w=250      200 png 250x166
/v/photo-300x200.png?w=250&r=up 415 log=info:round
/out/quad-100x120.png           200 png 40x48 px=5,5:red px=35,5:lime px=5,43:blue px=35,43:yellow
/up/quad-100x120.png            200 png 150x180 px=5,5:red px=145,175:yellow
# too small: 100x120 has 100x20 of these proportions, and 30x120 of those
/a/quad-100x120.png             200 png 100x20 px=5,5:red px=95,5:lime px=5,15:blue px=95,15:yellow
/east/quad-100x120.png          200 png 30x120 px=5,5:lime px=25,115:yellow
/url/quad-100x120.png?width=40&height=40&fit=outside 200 png 40x48
/url/quad-100x120.png?width=300&height=60&fit=aspect-crop 200 png 100x20
/url/quad-100x120.png?width=300&height=60&fit=fill-down 200 png 100x20
/url/quad-100x120.png?width=33&round=nearest 200 png 33x40
/url/quad-100x120.png?width=33&fit=scale-up 200 same=quad-100x120.png
/url/quad-100x120.png?width=200&fit=scale-up 200 png 200x240
/url/quad-100x120.png?width=33&round=up 400


=== TEST 11: image_resize_crop, and areas in URLs
--- config
    location /part/   { image_resize convert; image_resize_crop 50,60,50,60; alias $TEST_NGINX_FIXTURES/; }
    location /share/  { image_resize resize 20 -; image_resize_crop 50%,0,0.5,50%; alias $TEST_NGINX_FIXTURES/; }
    location /edge/   { image_resize convert; image_resize_crop 90:100:50:50; alias $TEST_NGINX_FIXTURES/; }
    location /after/  { image_resize crop 40 40; image_resize_crop off after=20,0,20,40; alias $TEST_NGINX_FIXTURES/; }
    location /off/    { image_resize convert; image_resize_crop off; alias $TEST_NGINX_FIXTURES/; }
    location /v/      { image_resize convert; image_resize_crop $arg_c after=$arg_a; alias $TEST_NGINX_FIXTURES/; }
    location /url/    { image_resize_params $args; image_resize_allow width=* height=* fit=* crop=* crop_after=0:0:9:9; alias $TEST_NGINX_FIXTURES/; }
--- rows
/part/quad-100x120.png      200 png 50x60 etag=weak px=0,0:yellow px=49,59:yellow
/part/quad-100x120.jpg      200 jpeg 50x60 px=5,5:yellow~14 px=45,55:yellow~14
/part/quad-100x120.gif      200 gif 50x60 px=0,0:yellow px=49,59:yellow
/part/quad-100x120.webp     200 webp 50x60
/share/quad-100x120.png     200 png 20x24 px=0,0:lime px=19,23:lime
/edge/quad-100x120.png      200 png 10x20 px=0,0:yellow
/after/quad-100x120.png     200 png 20x40 px=3,3:lime px=15,35:yellow
/off/quad-100x120.png       200 same=quad-100x120.png
/v/quad-100x120.png         200 same=quad-100x120.png
/v/quad-100x120.png?c=0:0:50:120 200 png 50x120 px=25,10:red px=25,110:blue
/v/quad-100x120.png?a=0:0:50:120 200 png 50x120 px=25,10:red px=25,110:blue
/v/quad-100x120.png?c=100:0:9:9 400 log=info:bad_params
/v/quad-100x120.png?c=1:2:3 415 log=info:image_resize_crop
/url/quad-100x120.png?crop=50%2C60%2C50%2C60 200 png 50x60 px=0,0:yellow
/url/quad-100x120.png?crop=0.5:50%25:50:60&width=5 200 png 5x6 px=2,2:yellow
/url/quad-100x120.png?crop=0:0:9:9&crop_after=0:0:9:9 200 png 9x9
/url/quad-100x120.png?crop_after=0:0:8:8 403
/url/quad-100x120.png?crop=0:0:0:9 400
/url/quad-100x120.png?crop=100:0:9:9 400


=== TEST 12: shares, proportions, least and most, before and after a turn
--- config
    location /half/  { image_resize resize 50% -; alias $TEST_NGINX_FIXTURES/; }
    location /ar/    { image_resize crop 50 - ar=5:4; alias $TEST_NGINX_FIXTURES/; }
    location /square/ { image_resize pad - - ar=1:1; alias $TEST_NGINX_FIXTURES/; }
    location /zoom/  { image_resize resize - - zoom=$arg_z enlarge=on; alias $TEST_NGINX_FIXTURES/; }
    location /least/ { image_resize resize 50 - min_height=90; alias $TEST_NGINX_FIXTURES/; }
    location /most/  { image_resize resize 90 - max_height=60; alias $TEST_NGINX_FIXTURES/; }
    location /before/ { image_resize crop 50 60 rotate_box=before gravity=west; image_resize rotate 90; alias $TEST_NGINX_FIXTURES/; }
    location /url/   { image_resize_params $args; image_resize_allow width=* height=* fit=* ar=* zoom=0.5-2 rotate=* rotate_box=* max_width=* min_width=*; alias $TEST_NGINX_FIXTURES/; }
--- rows
/half/quad-100x120.png      200 png 50x60 px=5,5:red px=45,55:yellow
/ar/quad-100x120.png        200 png 50x40 px=5,5:red px=45,35:yellow
/square/quad-100x120.png    200 png 120x120 px=5,60:white px=115,60:white px=15,5:red
/zoom/quad-100x120.png?z=0.5 200 png 50x60
/zoom/quad-100x120.png?z=2  200 png 200x240
/zoom/quad-100x120.png?z=11 415 log=info:zoom
/least/quad-100x120.png     200 png 50x90 px=5,5:red px=45,85:yellow
/most/quad-100x120.png      200 png 50x60
/before/quad-100x120.png    200 png 60x50 px=5,5:lime px=55,45:blue
/url/quad-100x120.png?width=25%25 200 png 25x30
/url/quad-100x120.png?ar=1:1 200 png 100x100
/url/quad-100x120.png?ar=1:1&width=30&fit=cover 200 png 30x30
/url/quad-100x120.png?width=30&rotate=90&rotate_box=after 200 png 30x25
/url/quad-100x120.png?max_width=30&min_width=20 200 png 30x36
/url/quad-100x120.png?zoom=3 403
/url/quad-100x120.png?ar=1:0 400
