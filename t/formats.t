# Every kind of source, every format of output: dimensions, pixels and structure.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

# The whole square of kinds of sources and formats, made by rule.
#
# name of the fixture, reference for its pixels, floor of PSNR where the output is
# lossless; lossy outputs and palettes may lose some more
my @sources = (
    ['photo-300x200.jpg',               'photo-300x200.jpg', 34],
    ['photo-300x200-progressive.jpg',   'photo-300x200.jpg', 34],
    ['photo-300x200-422.jpg',           'photo-300x200-422.jpg', 34],
    ['photo-300x200-444.jpg',           'photo-300x200-444.jpg', 34],
    ['photo-300x200-gray.jpg',          'photo-300x200.jpg,gray', 32],
    ['photo-300x200-ycck.jpg',          'photo-300x200.png', 25],
    ['photo-304x200-cmyk.jpg',          'photo-304x200-cmyk.jpg', 24],
    ['photo-300x200.png',               'photo-300x200.png', 36],
    ['photo-300x200-palette.png',       'photo-300x200-palette.png', 30],
    ['photo-300x200-16.png',            'photo-300x200.png', 36],
    ['photo-300x200-gray.png',          'photo-300x200-gray.png', 36],
    ['photo-300x200-interlaced.png',    'photo-300x200.png', 36],
    ['photo-300x200-alpha.png',         'photo-300x200-alpha.png', 30],
    ['photo-300x200-16-alpha.png',      'photo-300x200-alpha.png', 30],
    ['photo-300x200-graya.png',         'photo-300x200-graya.png', 30],
    ['photo-300x200-bit1.png',          'photo-300x200-bit1.png', 12],
    ['photo-300x200.gif',               'photo-300x200.gif', 30],
    ['photo-300x200-interlaced.gif',    'photo-300x200.gif', 30],
    ['photo-300x200-animated.gif',      'photo-300x200.gif', 25],
    ['photo-300x200.webp',              'photo-300x200.webp', 34],
    ['photo-300x200-lossless.webp',     'photo-300x200.png', 36],
    ['photo-300x200-alpha.webp',        'photo-300x200-alpha.webp', 30],
    ['photo-300x200-animated.webp',     'photo-300x200.webp', 25],
);

my $rows = '';
for my $s (@sources) {
    my ($file, $ref, $db) = @$s;
    my $h = $file =~ /304/ ? 98 : 100;
    for my $f (qw(jpeg png gif webp)) {
        my $floor = $f eq 'png' ? $db : $f eq 'gif' ? ($db > 26 ? 22 : $db - 3) : ($db > 30 ? 28 : $db - 2);
        my $r = $ref;
        # no alpha in a JPEG, none half-way in a GIF
        if ($file =~ /alpha|graya/) {
            $r .= ',flatten:white' if $f eq 'jpeg';
            $floor = 12 if $f eq 'gif';
        }
        my $type = "image/$f";
        my $frames = $file =~ /animated/ && $f =~ /gif|png|webp/ ? 3 : 1;
        $rows .= "/$f/$file 200 $f 150x$h Content-Type=$type frames=$frames psnr>$floor:$r etag=weak\n";
    }
}

plan 'no_plan';

spec_with(\*DATA, ROWS => $rows);

run_tests();

__DATA__

=== TEST 1: every kind of source to every format
--- config
    location ~ ^/(?<format>jpeg|png|gif|webp)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
%ROWS%


=== TEST 2: without a format the source's stays, and so does its kind
--- config
    location / { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200.jpg              200 jpeg 150x100 components=3 sampling=420
/photo-300x200-444.jpg          200 jpeg 150x100 components=3
/photo-300x200-gray.jpg         200 jpeg 150x100 components=1 psnr>28:photo-300x200.jpg,gray
/photo-300x200-ycck.jpg         200 jpeg 150x100 components=3
/photo-300x200.png              200 png 150x100 truecolour opaque bits=8
/photo-300x200-palette.png      200 png 150x100 palette smaller=photo-300x200-palette.png
/quad-300x360-trns.png          200 png 150x180 alpha px=10,10:none px=140,10:lime px=140,170:yellow
/photo-300x200-gray.png         200 png 150x100 components=1
/photo-300x200-alpha.png        200 png 150x100 alpha truecolour
/photo-300x200.gif              200 gif 150x100 palette psnr>24:photo-300x200.gif
/quad-300x360-trns.gif          200 gif 150x180 alpha px=10,10:none px=140,10:lime px=140,170:yellow
/photo-300x200.webp             200 webp 150x100 lossy opaque
/quad-300x360-alpha.webp        200 webp 150x180 alpha px=10,10:none px=140,10:lime px=140,170:yellow@0.5
/photo-300x200-lossless.webp    200 webp 150x100 psnr>28:photo-300x200.png


=== TEST 3: JPEG by scaled decoding: every size from an eighth to nearly all
--- config
    location ~ ^/(?<w>\d+)/(?<f>.+)$ { image_resize resize $w -; alias $TEST_NGINX_FIXTURES/$f; }
--- rows
/10/photo-600x400.jpg           200 jpeg 10x6
/37/photo-600x400.jpg           200 jpeg 37x24 psnr>24:photo-600x400.jpg
/50/photo-600x400.jpg           200 jpeg 50x33 psnr>26:photo-600x400.jpg
/75/photo-600x400.jpg           200 jpeg 75x50 psnr>26:photo-600x400.jpg
/100/photo-600x400.jpg          200 jpeg 100x66 psnr>27:photo-600x400.jpg
/149/photo-600x400.jpg          200 jpeg 149x99 psnr>28:photo-600x400.jpg
/200/photo-600x400.jpg          200 jpeg 200x133 psnr>28:photo-600x400.jpg
/225/photo-600x400.jpg          200 jpeg 225x150 psnr>28:photo-600x400.jpg
/300/photo-600x400.jpg          200 jpeg 300x200 psnr>29:photo-600x400.jpg
/450/photo-600x400.jpg          200 jpeg 450x300 psnr>30:photo-600x400.jpg
/599/photo-600x400.jpg          200 jpeg 599x399 psnr>30:photo-600x400.jpg
/37/photo-600x400-progressive.jpg 200 jpeg 37x24 psnr>24:photo-600x400.jpg
/75/photo-600x400-progressive.jpg 200 jpeg 75x50 psnr>26:photo-600x400.jpg
/300/photo-600x400-progressive.jpg 200 jpeg 300x200 psnr>29:photo-600x400.jpg
/75/photo-600x400-444.jpg       200 jpeg 75x50 psnr>26:photo-600x400-444.jpg
/75/photo-600x400-422.jpg       200 jpeg 75x50 psnr>26:photo-600x400-422.jpg
/75/photo-600x400-gray.jpg      200 jpeg 75x50 psnr>26:photo-600x400-gray.jpg
/75/photo-600x400-ycck.jpg      200 jpeg 75x50 psnr>22:photo-600x400.jpg
# sizes that are no multiple of a block
/75/photo-601x401.jpg           200 jpeg 75x50 psnr>26:photo-601x401.jpg
/75/photo-607x405-progressive.jpg 200 jpeg 75x50 psnr>26:photo-607x405-progressive.jpg
/3/quad-9x9.jpg                 200 jpeg 3x3
/1/quad-8x8.jpg                 200 jpeg 1x1


=== TEST 4: what is cut away is not decoded, what is left is in its place
--- config
    location ~ ^/(?<at>\w+)/(?<f>.+)$ {
        image_resize crop 50 50 gravity=$at;
        image_resize_format png;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/west/photo-1200x100.jpg             200 png 50x50 psnr>28:photo-1200x100.jpg,resize:600x50,crop:50x50+0+0
/center/photo-1200x100.jpg           200 png 50x50 psnr>28:photo-1200x100.jpg,resize:600x50,crop:50x50+275+0
/east/photo-1200x100-progressive.jpg 200 png 50x50 psnr>28:photo-1200x100.jpg,resize:600x50,crop:50x50+550+0
/north/photo-400x1600.jpg            200 png 50x50 psnr>26:photo-400x1600.jpg,resize:50x200,crop:50x50+0+0
/south/photo-400x1600.jpg            200 png 50x50 psnr>26:photo-400x1600.jpg,resize:50x200,crop:50x50+0+150
/center/photo-1200x100.webp          200 png 50x50 psnr>28:photo-1200x100.webp,resize:600x50,crop:50x50+275+0
/east/photo-1200x100-lossless.webp   200 png 50x50 psnr>28:photo-1200x100.png,resize:600x50,crop:50x50+550+0


=== TEST 5: drawings become lossless WebP, photos do not
--- config
    location / { image_resize convert; image_resize_format webp; alias $TEST_NGINX_FIXTURES/; }
--- rows
/quad-300x360-trns.gif          200 webp 300x360 lossless alpha px=10,10:none px=290,10:lime px=290,350:yellow smaller=quad-300x360-trns.gif
/flat-300x200.png               200 webp 300x200 lossless px=150,100:#808080
/photo-300x200.gif              200 webp 300x200 lossy


=== TEST 6: four inks, to the pixel
--- config
    location ~ ^/(?<format>jpeg|png)/(?<f>.+)$ {
        image_resize resize 48 -;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/png/quad-96x112-cmyk.jpg       200 png 48x56 px=5,5:red~70 px=40,5:lime~110 px=5,50:blue~110 px=40,50:yellow~70
/jpeg/quad-96x112-cmyk.jpg      200 jpeg 48x56 components=3 px=5,5:red~70 px=40,50:yellow~70
/png/flat-96x112-cmyk.jpg       200 png 48x56 px=20,20:#808080~40
/png/flat-96x112-ycck.jpg       200 png 48x56 px=20,20:#808080~40


=== TEST 7: animations give all their frames, or the first one
--- config
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /png/ { image_resize resize 50 -; image_resize_format png; alias $TEST_NGINX_FIXTURES/; }
--- rows
/quad-100x120-animated.gif      200 gif 50x60 frames=3 px=5,5:red px=45,5:lime px=5,55:blue px=45,55:yellow
/quad-100x120-animated.webp     200 webp 50x60 frames=3 px=5,5:red px=45,5:lime px=5,55:blue px=45,55:yellow
/png/quad-100x120-animated.gif  200 png 50x60 frames=3 px=5,5:red px=45,5:lime px=5,55:blue px=45,55:yellow


=== TEST 8: the type comes from the bytes, not from the name or the upstream's word
--- config
    location /lie/ {
        image_resize resize 50 -;
        types { }
        default_type text/html;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/lie/quad-100x120.jpg           200 jpeg 50x60 Content-Type=image/jpeg
/lie/quad-100x120.png           200 png 50x60 Content-Type=image/png
/lie/quad-100x120.gif           200 gif 50x60 Content-Type=image/gif
/lie/quad-100x120.webp          200 webp 50x60 Content-Type=image/webp


=== TEST 9: what is no supported image
--- config
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
--- rows
/picture.psd            415
/fax.tiff               415
