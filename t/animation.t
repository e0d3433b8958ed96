# Animations: every picture of them, their delays and loops, against ImageMagick, libwebp, libavif and djxl.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

# What many encoders make, turned, cut, padded and scaled; to GIF all but exactly.
my $rows = '';
for my $name (qw(im clear previous gifsicle ffmpeg pillow odd)) {
    my $file = "anim-60x40-$name.gif";
    $rows .= "/turn/$file 200 gif 40x60 Content-Type=image/gif etag=weak moves>90:$file,rotate:90\n"
           . "/crop/$file 200 gif 40x40 moves>90:$file,crop:40x40+10+0\n"
           . "/size/$file 200 gif 30x20 moves>30:$file,resize:30x20\n"
           . "/webp/$file 200 webp 30x20 Content-Type=image/webp moves>17:$file,resize:30x20\n";
}
for my $name (qw(gif2webp img2webp webpmux pillowwebp)) {
    my $file = "anim-60x40-$name.webp";
    $rows .= "/turn/$file 200 webp 40x60 Content-Type=image/webp etag=weak moves>20:$file,rotate:90\n"
           . "/size/$file 200 webp 30x20 moves>17:$file,resize:30x20\n";
}
for my $name (qw(pillowpng stillpng ffmpegpng)) {
    my $file = "anim-60x40-$name.png";
    $rows .= "/turn/$file 200 png 40x60 Content-Type=image/png etag=weak moves>90:$file,rotate:90\n"
           . "/size/$file 200 png 30x20 moves>30:$file,resize:30x20\n"
           . "/webp/$file 200 webp 30x20 Content-Type=image/webp moves>17:$file,resize:30x20\n"
           . "/gif/$file 200 gif 60x40 moves>17:$file\n";
}
# To and from AVIF, whose chroma has half the resolution, and to JPEG XL.
for my $file (map { "anim-60x40-$_" } qw(previous.gif gifsicle.gif clear.gif img2webp.webp pillowpng.png ffmpegpng.png avifenc.avif ffmpegavif.avif cjxlgif.jxl cjxlpng.jxl)) {
    my $least = $file =~ /avif$/ ? 23 : 21;
    $rows .= "/avif/$file 200 avif 60x40 Content-Type=image/avif frames=5 moves>$least:$file,rotate:180\n"
           . "/jxl/$file 200 jxl 60x40 Content-Type=image/jxl frames=5 moves>$least:$file,rotate:180\n";
}
for my $name (qw(avifenc.avif ffmpegavif.avif cjxlgif.jxl cjxlpng.jxl)) {
    my ($file, $kind) = ("anim-60x40-$name", $name =~ /(\w+)$/);
    $rows .= "/turn/$file 200 $kind 40x60 etag=weak moves>21:$file,rotate:90\n"
           . "/size/$file 200 $kind 30x20 moves>20:$file,resize:30x20\n"
           . "/webp/$file 200 webp 30x20 moves>17:$file,resize:30x20\n"
           . "/png/$file 200 png 60x40 moves>40:$file,rotate:180\n"
           . "/page/$file?n=3 200 $kind 60x40 frames=1\n";
}
$rows .= "/png/anim-60x40-$_.gif 200 png 60x40 moves>90:anim-60x40-$_.gif,rotate:180\n" for qw(clear gifsicle);

plan 'no_plan';

spec_with(\*DATA, ROWS => $rows);

run_tests();

__DATA__

=== TEST 1: what many encoders make
--- config
    image_resize_webp_quality 95;
    location /turn/ { image_resize rotate 90; alias $TEST_NGINX_FIXTURES/; }
    location /crop/ { image_resize crop 40 40; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize stretch 30 20; alias $TEST_NGINX_FIXTURES/; }
    location /webp/ { image_resize stretch 30 20; image_resize_format webp; alias $TEST_NGINX_FIXTURES/; }
    location /gif/ { image_resize convert; image_resize_format gif; alias $TEST_NGINX_FIXTURES/; }
    location /avif/ {
        image_resize rotate 180;
        image_resize_format avif;
        image_resize_avif_quality 95;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /jxl/ { image_resize rotate 180; image_resize_format jxl; image_resize_jxl_quality 95; alias $TEST_NGINX_FIXTURES/; }
    location /png/ { image_resize rotate 180; image_resize_format png; alias $TEST_NGINX_FIXTURES/; }
    location /page/ { image_resize convert; image_resize_page $arg_n; alias $TEST_NGINX_FIXTURES/; }
--- rows
%ROWS%
# one picture of them
/page/anim-60x40-gifsicle.gif     200 gif 60x40 moves>90:anim-60x40-gifsicle.gif
/page/anim-60x40-gifsicle.gif?n=3 200 gif 60x40 frames=1 etag=other
/page/anim-60x40-gifsicle.gif?n=6 400 log=info:page
/page/anim-60x40-img2webp.webp?n=2 200 webp 60x40 frames=1
/page/photo-300x200.jpg?n=2       400
/page/photo-300x200.jpg?n=0       415 log=info:image_resize_page


=== TEST 2: frames are padded, interlaced, flattened and marked alike
--- config
    location /pad/ { image_resize pad 80 40; image_resize_background lime; alias $TEST_NGINX_FIXTURES/; }
    location /lace/ { image_resize rotate 180; image_resize_interlace on; alias $TEST_NGINX_FIXTURES/; }
    location /flat/ {
        image_resize resize 30 -;
        image_resize_transparency off;
        image_resize_background yellow;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /mark/ {
        image_resize convert;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-10x12.png position=northwest;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /gif/ { image_resize convert; image_resize_format gif; alias $TEST_NGINX_FIXTURES/; }
--- rows
/pad/anim-60x40-im.gif          200 gif 80x40 frames=5 px=3,3:lime px=77,20:lime
/pad/anim-60x40-clear.gif       200 gif 80x40 frames=5 px=3,3:lime px=12,6:lime
/lace/anim-60x40-gifsicle.gif   200 gif 60x40 interlaced moves>90:anim-60x40-gifsicle.gif,rotate:180
/lace/anim-60x40-clear.gif      200 gif 60x40 interlaced moves>90:anim-60x40-clear.gif,rotate:180
/flat/anim-60x40-clear.gif      200 gif 30x20 opaque moves>28:anim-60x40-clear.gif,flatten:yellow,resize:30x20
/mark/anim-60x40-im.gif         200 gif 60x40 moves>90:anim-60x40-im.gif,mark:quad-10x12.png+0+0
/mark/anim-60x40-pillow.gif     200 gif 60x40 moves>90:anim-60x40-pillow.gif,mark:quad-10x12.png+0+0
/gif/anim-60x40-webpmux.webp    200 gif 60x40 moves>50:anim-60x40-webpmux.webp


=== TEST 3: the first frame alone, and its inheritance
--- http_config
    image_resize_animation first;
--- config
    location /first/ { image_resize rotate 180; alias $TEST_NGINX_FIXTURES/; }
    location /same/ { image_resize resize 100 100; alias $TEST_NGINX_FIXTURES/; }
    location /all/ { image_resize rotate 180; image_resize_animation all; alias $TEST_NGINX_FIXTURES/; }
    location /keep/ { image_resize resize 100 100; image_resize_animation all; alias $TEST_NGINX_FIXTURES/; }
--- rows
/first/anim-60x40-im.gif        200 gif 60x40 frames=1 psnr>50:anim-60x40-im.gif,rotate:180
/first/anim-60x40-webpmux.webp  200 webp 60x40 frames=1
# not the original, whose bytes have the frames
/same/anim-60x40-im.gif         200 gif 60x40 frames=1 etag=weak
/same/quad-20x24.gif            200 same=quad-20x24.gif etag=strong
/all/anim-60x40-im.gif          200 gif 60x40 frames=5
/first/anim-60x40-stillpng.png  200 png 60x40 frames=1 px=3,3:lime
/keep/anim-60x40-pillow.gif     200 same=anim-60x40-pillow.gif etag=strong
/keep/anim-60x40-avifenc.avif   200 avif 60x40 frames=5 moves>90:anim-60x40-avifenc.avif
/keep/anim-60x40-cjxlpng.jxl    200 jxl 60x40 frames=5 moves>90:anim-60x40-cjxlpng.jxl
/first/anim-60x40-cjxlpng.jxl   200 jxl 60x40 frames=1
/first/anim-60x40-avifenc.avif  200 avif 60x40 frames=1
/keep/anim-60x40-pillowpng.png  200 same=anim-60x40-pillowpng.png etag=strong
# without the extensions of ImageMagick's own
/keep/anim-60x40-im.gif         200 gif 60x40 frames=5 moves>90:anim-60x40-im.gif etag=weak


=== TEST 4: formats without animations have the first frame; auto chooses one that has them
--- config
    location ~ ^/to/(?<format>[\w=,]+)/(?<f>.+)$ {
        image_resize resize 30 -;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/params/(?<p>[^/]+)/(?<f>.+)$ {
        image_resize_params $p;
        image_resize_allow anim=* format=* width=*;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/to/png/anim-60x40-im.gif       200 png 30x20 frames=5 psnr>30:anim-60x40-im.gif
/to/jpeg/anim-60x40-im.gif      200 jpeg 30x20
/to/avif/anim-60x40-im.gif      200 avif 30x20 frames=5
/to/jxl/anim-60x40-im.gif       200 jxl 30x20 frames=5
/to/original/anim-60x40-avifenc.avif 200 avif 30x20 frames=5
/to/auto=avif,webp/anim-60x40-im.gif [Accept: image/avif,image/webp] 200 avif 30x20 frames=5 Vary=Accept
/to/auto/anim-60x40-avifenc.avif [Accept: image/avif] 200 gif 30x20 frames=5 Vary=Accept
/to/auto/anim-60x40-avifenc.avif [Accept: image/avif,image/webp] 200 webp 30x20 frames=5 Vary=Accept
/to/auto/anim-60x40-im.gif [Accept: image/avif,image/webp] 200 webp 30x20 frames=5 Vary=Accept
/to/auto/anim-60x40-im.gif [Accept: image/avif] 200 gif 30x20 frames=5 Vary=Accept
/to/auto/anim-60x40-im.gif [Accept: */*] 200 gif 30x20 frames=5 Vary=Accept
/to/auto/anim-60x40-webpmux.webp [Accept: */*] 200 gif 30x20 frames=5 Vary=Accept
/to/auto/quad-60x40.gif [Accept: image/avif,image/webp] 200 avif 30x20 Vary=Accept
/params/anim=off/anim-60x40-im.gif      200 gif 60x40 frames=1
/params/anim=on/anim-60x40-pillow.gif   200 same=anim-60x40-pillow.gif
/params/anim=on,w=30/anim-60x40-im.gif  200 gif 30x20 frames=5
/params/anim=off,f=auto/anim-60x40-im.gif [Accept: image/avif] 200 avif 60x40 Vary=Accept
/params/f=auto/anim-60x40-pillow.gif    200 same=anim-60x40-pillow.gif Vary=Accept
/params/anim=maybe/anim-60x40-im.gif    400


=== TEST 5: beyond a limit an animation is its first frame; what is broken is refused
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 30 -; alias $TEST_NGINX_FIXTURES/; }
    location /few/ { image_resize resize 30 -; image_resize_limit frames=4; alias $TEST_NGINX_FIXTURES/; }
    location /small/ { image_resize resize 30 -; image_resize_limit pixels=11999; alias $TEST_NGINX_FIXTURES/; }
    location /out/ { image_resize resize 30 -; image_resize_limit output_pixels=2999; alias $TEST_NGINX_FIXTURES/; }
    location /fits/ {
        image_resize resize 30 -;
        image_resize_limit frames=5 pixels=12000 output_pixels=3000;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /strict/ {
        image_resize resize 30 -;
        image_resize_damaged strict;
        location /strict/few/ { image_resize_limit frames=4; alias $TEST_NGINX_FIXTURES/; }
        location /strict/small/ { image_resize_limit pixels=11999; alias $TEST_NGINX_FIXTURES/; }
        location /strict/out/ { image_resize_limit output_pixels=2999; alias $TEST_NGINX_FIXTURES/; }
        location /strict/first/ {
            image_resize_animation first;
            image_resize_limit frames=1 pixels=2400 output_pixels=600;
            alias $TEST_NGINX_FIXTURES/;
        }
        alias $TEST_NGINX_FIXTURES/;
    }
    location /tiny/ { image_resize resize 30 -; image_resize_limit pixels=2399; alias $TEST_NGINX_FIXTURES/; }
    location /wide/ { image_resize resize 30 -; image_resize_limit width=65535 height=65535; alias $TEST_NGINX_FIXTURES/; }
--- rows
/few/anim-60x40-im.gif          200 gif 30x20 frames=1
/small/anim-60x40-im.gif        200 gif 30x20 frames=1
/small/anim-60x40-webpmux.webp  200 webp 30x20 frames=1
/out/anim-60x40-im.gif          200 gif 30x20 frames=1
/few/anim-60x40-pillowpng.png   200 png 30x20 frames=1
/few/anim-60x40-avifenc.avif    200 avif 30x20 frames=1
/few/anim-60x40-cjxlpng.jxl     200 jxl 30x20 frames=1
/strict/few/anim-60x40-cjxlpng.jxl 415 X-Error=too_many_frames log=info:too_many_frames
/strict/trunc_anim-60x40-cjxlpng.jxl 415 X-Error=decode_failed
/strict/few/anim-60x40-avifenc.avif 415 X-Error=too_many_frames log=info:too_many_frames
/most_anim-60x40-avifenc.avif 200 avif 30x20
/strict/most_anim-60x40-avifenc.avif 415 X-Error=decode_failed
/strict/few/anim-60x40-pillowpng.png 415 X-Error=too_many_frames log=info:too_many_frames
/strict/anim-60x40-pillowpng.png 200 png 30x20 frames=5
/trunc_anim-60x40-pillowpng.png 200 png 30x20
/strict/trunc_anim-60x40-pillowpng.png 415 X-Error=decode_failed
/tiny/anim-60x40-im.gif         415 X-Error=too_many_pixels log=info:too_many_pixels
/strict/few/anim-60x40-im.gif   415 X-Error=too_many_frames log=info:too_many_frames
/strict/small/anim-60x40-im.gif 415 X-Error=too_many_pixels log=info:too_many_pixels
/strict/small/anim-60x40-webpmux.webp 415 X-Error=too_many_pixels
/strict/out/anim-60x40-im.gif   415 X-Error=too_many_pixels log=info:too_many_pixels
/strict/first/anim-60x40-im.gif 200 gif 30x20 frames=1
/fits/anim-60x40-im.gif         200 gif 30x20 frames=5
/frames-100000.gif              415 X-Error=too_many_frames
/huge-frames.gif                415 X-Error=too_many_pixels
/wide/huge-frames.gif           415 X-Error=too_many_pixels
/none-frames.gif                415 X-Error=decode_failed
/trunc_anim-60x40-gifsicle.gif  200 gif 30x20
/trunc_anim-60x40-webpmux.webp  200 webp 30x20
/strict/trunc_anim-60x40-gifsicle.gif  415 X-Error=decode_failed
/strict/trunc_anim-60x40-webpmux.webp  415 X-Error=decode_failed

