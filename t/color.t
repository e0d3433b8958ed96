# Embedded profiles: converted to sRGB, kept, or dropped unconverted; inks.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: srgb is the default: converted, and no profile needed afterwards
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /srgb/    { image_resize resize 150 -; image_resize_profile srgb; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200-icc_a98.png      200 png 150x100 icc=none psnr>32:photo-300x200-icc_a98.png,srgb psnr<32:photo-300x200.png
/srgb/photo-300x200-icc_a98.png         200 again
/srgb/photo-300x200-icc_a98.jpg         200 jpeg 150x100 icc=none psnr>28:photo-300x200-icc_a98.jpg,srgb
/srgb/photo-300x200-icc_a98.webp        200 webp 150x100 icc=none psnr>28:photo-300x200-icc_a98.webp,srgb
/srgb/photo-300x200-icc_rommrgb.png     200 png 150x100 icc=none psnr>26:photo-300x200-icc_rommrgb.png,srgb psnr<24:photo-300x200.png
/srgb/photo-300x200-icc_rommrgb-progressive.jpg 200 jpeg 150x100 icc=none psnr>25:photo-300x200-icc_rommrgb.jpg,srgb
# sRGB to sRGB changes nothing
/srgb/photo-300x200-icc_srgb.png        200 png 150x100 icc=none psnr>35:photo-300x200.png
# neither does the want of a profile
/srgb/photo-300x200.png                 200 png 150x100 icc=none psnr>35:photo-300x200.png


=== TEST 2: keep: unconverted, the profile goes along
--- config
    location / { image_resize resize 150 -; image_resize_profile keep; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200-icc_a98.png      200 png 150x100 icc=a98 psnr>35:photo-300x200.png,strip
/photo-300x200-icc_a98.jpg      200 jpeg 150x100 icc=a98 psnr>28:photo-300x200.jpg
/photo-300x200-icc_a98.webp     200 webp 150x100 icc=a98 psnr>28:photo-300x200.webp
/photo-300x200.png              200 png 150x100 icc=none


=== TEST 3: strip: unconverted, without profile
--- config
    location / { image_resize resize 150 -; image_resize_profile strip; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200-icc_a98.png      200 png 150x100 icc=none psnr>35:photo-300x200.png
/photo-300x200-icc_a98.jpg      200 jpeg 150x100 icc=none psnr>28:photo-300x200.jpg
/photo-300x200-icc_a98.webp     200 webp 150x100 icc=none psnr>28:photo-300x200.webp


=== TEST 4: profiles across formats
--- config
    location ~ ^/(?<p>keep)/(?<format>[^/]+)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_profile keep;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/(?<p>srgb)/(?<format>[^/]+)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/keep/png/photo-300x200-icc_a98.jpg     200 png 150x100 icc=a98
/keep/webp/photo-300x200-icc_a98.jpg    200 webp 150x100 icc=a98
/keep/jpeg/photo-300x200-icc_a98.png    200 jpeg 150x100 icc=a98
/keep/jpeg/photo-300x200-icc_a98.webp   200 jpeg 150x100 icc=a98
/srgb/gif/photo-300x200-icc_a98.png     200 gif 150x100 psnr>22:photo-300x200-icc_a98.png,srgb
/srgb/webp/photo-300x200-icc_a98.png    200 webp 150x100 icc=none psnr>28:photo-300x200-icc_a98.png,srgb


=== TEST 5: conversion is a change of pixels: what fits is not sent as it came
--- config
    location /srgb/ { image_resize resize 300 200; alias $TEST_NGINX_FIXTURES/; }
    location /keep/ { image_resize resize 300 200; image_resize_profile keep; alias $TEST_NGINX_FIXTURES/; }
--- rows
/srgb/photo-300x200-icc_a98.png 200 png 300x200 etag=weak icc=none psnr>32:photo-300x200-icc_a98.png,srgb
/keep/photo-300x200-icc_a98.png 200 same=photo-300x200-icc_a98.png etag=strong


=== TEST 6: inks become sRGB, with the profile and without
--- config
    location ~ ^/(?<p>srgb)/(?<format>[^/]+)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/(?<p>strip)/(?<format>[^/]+)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_profile strip;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/(?<p>keep)/(?<format>[^/]+)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_profile keep;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/srgb/jpeg/photo-300x200-cmykicc.jpg    200 jpeg 150x100 components=3 icc=none psnr>28:photo-300x200-cmykicc.jpg,srgb
/srgb/png/photo-300x200-cmykicc.jpg     200 png 150x100 icc=none psnr>32:photo-300x200-cmykicc.jpg,srgb
/srgb/png/photo-300x200-ycck.jpg        200 png 150x100 psnr>25:photo-300x200.png
/strip/png/photo-300x200-ycck.jpg       200 png 150x100 psnr>25:photo-300x200.png
# a CMYK profile on RGB pixels would be worse than none
/keep/png/photo-300x200-cmykicc.jpg     200 png 150x100 icc=none


=== TEST 7: a grey picture with a grey profile
--- config
    location / { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /keep/ { image_resize resize 150 -; image_resize_profile keep; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200-gray-icc_sgray.png       200 png 150x100 icc=none psnr>35:photo-300x200-gray-icc_sgray.png,srgb
/keep/photo-300x200-gray-icc_sgray.png  200 png 150x100 icc=sgray psnr>35:photo-300x200-gray.png,strip


=== TEST 8: a broken or foreign profile is no reason to fail
--- user_files eval
my $png = fixture('photo-300x200.png');
my $jpeg = fixture('photo-300x200.jpg');
my $icc = ImageGate::Fixtures::profile_blob('a98');
(my $lab = ImageGate::Fixtures::profile_blob('lab'));
[
    [ 'garbage.jpg', ImageGate::Fixtures::jpeg_icc($jpeg, 'x' x 500) ],
    [ 'short.jpg', ImageGate::Fixtures::jpeg_icc($jpeg, substr $icc, 0, 100) ],
    [ 'empty.jpg', ImageGate::Fixtures::jpeg_icc($jpeg, '') ],
    [ 'lab.jpg', ImageGate::Fixtures::jpeg_icc($jpeg, $lab) ],
    [ 'cmyk.jpg', ImageGate::Fixtures::jpeg_icc($jpeg, ImageGate::Fixtures::profile_blob('default_cmyk')) ],
    [ 'grey.jpg', ImageGate::Fixtures::jpeg_icc($jpeg, ImageGate::Fixtures::profile_blob('sgray')) ],
    [ 'garbage.png', ImageGate::Fixtures::png_insert($png, 'iCCP', "icc\0\0not zlib at all") ],
    [ 'missing.jpg', ImageGate::Fixtures::jpeg_insert($jpeg, 0xe2, "ICC_PROFILE\0\x02\x05" . substr $icc, 0, 200) ],
]
--- config
    location / { image_resize resize 150 -; root $TEST_NGINX_HTML_DIR; }
--- rows
/garbage.jpg    200 jpeg 150x100 icc=none psnr>28:photo-300x200.jpg
/short.jpg      200 jpeg 150x100 icc=none psnr>28:photo-300x200.jpg
/empty.jpg      200 jpeg 150x100 icc=none psnr>28:photo-300x200.jpg
/lab.jpg        200 jpeg 150x100 icc=none psnr>28:photo-300x200.jpg
/cmyk.jpg       200 jpeg 150x100 icc=none psnr>28:photo-300x200.jpg
/grey.jpg       200 jpeg 150x100 icc=none psnr>28:photo-300x200.jpg
/garbage.png    200 png 150x100 icc=none psnr>30:photo-300x200.png
/missing.jpg    200 jpeg 150x100 icc=none psnr>28:photo-300x200.jpg
