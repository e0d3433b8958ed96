# Dimensions and orientation of what comes out: resize, crop, rotate and what they
# do together. The source is 100x120 unless the row says otherwise.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: resize with variables
--- config
    location ~ ^/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
# both bounds, in sequence, floors
/10/10/quad-100x120.png         200 png 8x10
/33/77/quad-100x120.png         200 png 33x39
/5/6/quad-100x120.png           200 png 5x6
/50/60/quad-100x120.png         200 png 50x60
/99/119/quad-100x120.png        200 png 99x118
/99/59/quad-100x120.png         200 png 49x59
/100/60/quad-100x120.png        200 png 50x60
/100/119/quad-100x120.png       200 png 99x119
/99/120/quad-100x120.png        200 png 99x118
# never less than one pixel
/1/1/quad-100x120.png           200 png 1x1
/1/-/quad-100x120.png           200 png 1x1
/-/1/quad-100x120.png           200 png 1x1
/3/2/quad-100x120.png           200 png 2x2
/2/1/quad-400x2.png             200 png 2x1
/1/2/quad-2x400.png             200 png 1x2
# one bound
/10/-/quad-100x120.png          200 png 10x12
/-/12/quad-100x120.png          200 png 10x12
/33/-/quad-100x120.png          200 png 33x39
/-/77/quad-100x120.png          200 png 64x77
# the same in every format
/33/77/quad-100x120.jpg         200 jpeg 33x39
/33/77/quad-100x120.gif         200 gif 33x39
/33/77/quad-100x120.webp        200 webp 33x39
# and it is the picture
/150/150/photo-300x200.jpg      200 jpeg 150x100 psnr>30:photo-300x200.jpg
/150/150/photo-300x200.png      200 png 150x100 psnr>35:photo-300x200.png
/40/-/photo-300x200.jpg         200 jpeg 40x26 psnr>24:photo-300x200.jpg


=== TEST 2: resize never enlarges; what fits goes out as it came, with a strong ETag
--- config
    location ~ ^/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/100/120/quad-100x120.jpg       200 same=quad-100x120.jpg etag=strong Content-Type=image/jpeg
/200/300/quad-100x120.jpg       200 same=quad-100x120.jpg etag=strong
/-/300/quad-100x120.jpg         200 same=quad-100x120.jpg etag=strong
/200/-/quad-100x120.jpg         200 same=quad-100x120.jpg etag=strong
/-/-/quad-100x120.jpg           200 same=quad-100x120.jpg etag=strong
/100/120/quad-100x120.png       200 same=quad-100x120.png etag=strong Content-Type=image/png
/100/120/quad-100x120.gif       200 same=quad-100x120.gif etag=strong Content-Type=image/gif
/100/120/quad-100x120.webp      200 same=quad-100x120.webp etag=strong Content-Type=image/webp
/100/120/quad-100x120-animated.gif 200 same=quad-100x120-animated.gif etag=strong
/100/120/quad-100x120-alpha.png 200 same=quad-100x120-alpha.png etag=strong


=== TEST 3: application data above 5% of a JPEG force a new encoding, less does not
--- config
    location ~ ^/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/300/200/photo-300x200-app.jpg  200 jpeg 300x200 bare smaller=photo-300x200-app.jpg psnr>32:photo-300x200.jpg etag=weak
/300/200/photo-300x200.jpg      200 same=photo-300x200.jpg etag=strong


=== TEST 4: crop with variables
--- config
    location ~ ^/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize crop $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/33/77/photo-100x120.png        200 png 33x77 psnr>30:photo-100x120.png,resize:64x77,crop:33x77+15+0
/200/50/photo-100x120.png       200 png 100x50 psnr>60:photo-100x120.png,crop:100x50+0+35
/50/200/photo-100x120.png       200 png 50x120 psnr>60:photo-100x120.png,crop:50x120+25+0
/50/-/photo-100x120.png         200 png 50x120 psnr>60:photo-100x120.png,crop:50x120+25+0
/-/50/photo-100x120.png         200 png 100x50 psnr>60:photo-100x120.png,crop:100x50+0+35
# odd remainders: the offset is floored
/100/61/photo-100x120.png       200 png 100x61 psnr>60:photo-100x120.png,crop:100x61+0+29
/51/-/photo-100x120.png         200 png 51x120 psnr>60:photo-100x120.png,crop:51x120+24+0
/5/6/quad-100x120.png           200 png 5x6
/6/5/quad-100x120.png           200 png 6x5
/60/60/photo-100x120.png        200 png 60x60 psnr>30:photo-100x120.png,resize:60x72,crop:60x60+0+6
/1/1/quad-100x120.png           200 png 1x1
/1/120/quad-100x120.png         200 png 1x120
/100/1/quad-100x120.png         200 png 100x1
/120/100/quad-100x120.png       200 png 100x100
# never enlarges; what fits is as it came
/200/200/quad-100x120.png       200 same=quad-100x120.png etag=strong
/100/120/quad-100x120.jpg       200 same=quad-100x120.jpg etag=strong
/-/-/quad-100x120.jpg           200 same=quad-100x120.jpg etag=strong
/150/150/photo-300x200.jpg      200 jpeg 150x150 psnr>30:photo-300x200.jpg,resize:225x150,crop:150x150+37+0
/33/77/quad-100x120.jpg         200 jpeg 33x77
/33/77/quad-100x120.gif         200 gif 33x77
/33/77/quad-100x120.webp        200 webp 33x77


=== TEST 5: constants, and a dash for no bound
--- config
    location /a/ { image_resize resize 33 77; alias $TEST_NGINX_FIXTURES/; }
    location /b/ { image_resize resize - 77;  alias $TEST_NGINX_FIXTURES/; }
    location /c/ { image_resize resize 33 -;  alias $TEST_NGINX_FIXTURES/; }
    location /d/ { image_resize crop 33 77;   alias $TEST_NGINX_FIXTURES/; }
    location /e/ { image_resize crop 50 -;    alias $TEST_NGINX_FIXTURES/; }
    location /f/ { image_resize crop - 50;    alias $TEST_NGINX_FIXTURES/; }
    location /g/ { image_resize resize - -;   alias $TEST_NGINX_FIXTURES/; }
--- rows
/a/quad-100x120.png             200 png 33x39
/b/quad-100x120.png             200 png 64x77
/c/quad-100x120.png             200 png 33x39
/d/quad-100x120.png             200 png 33x77
/e/quad-100x120.png             200 png 50x120
/f/quad-100x120.png             200 png 100x50
/g/quad-100x120.png             200 same=quad-100x120.png


=== TEST 6: rotation is counter-clockwise
--- config
    location ~ ^/(?<angle>[^/]*)/(?<f>.+)$ {
        image_resize rotate $angle;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
# the source is red, lime / blue, yellow
/90/quad-100x120.png    200 png 120x100 px=5,5:lime px=115,5:yellow px=5,95:red px=115,95:blue
/180/quad-100x120.png   200 png 100x120 px=5,5:yellow px=95,5:blue px=5,115:lime px=95,115:red
/270/quad-100x120.png   200 png 120x100 px=5,5:blue px=115,5:red px=5,95:yellow px=115,95:lime
/90/quad-100x120.jpg    200 jpeg 120x100 px=5,5:lime px=115,5:yellow px=5,95:red px=115,95:blue
/180/quad-100x120.gif   200 gif 100x120 px=5,5:yellow px=95,5:blue px=5,115:lime px=95,115:red
/270/quad-100x120.webp  200 webp 120x100 px=5,5:blue px=115,5:red px=5,95:yellow px=115,95:lime
# odd sizes lose nothing
/90/photo-101x37.png    200 png 37x101 psnr>60:photo-101x37.png,rotate:90
/180/photo-101x37.png   200 png 101x37 psnr>60:photo-101x37.png,rotate:180
/270/photo-101x37.png   200 png 37x101 psnr>60:photo-101x37.png,rotate:270
/90/quad-1x1.png        200 png 1x1


=== TEST 7: constant angles
--- config
    location /90/  { image_resize rotate 90;  alias $TEST_NGINX_FIXTURES/; }
    location /180/ { image_resize rotate 180; alias $TEST_NGINX_FIXTURES/; }
    location /270/ { image_resize rotate 270; alias $TEST_NGINX_FIXTURES/; }
--- rows
/90/quad-100x120.png    200 png 120x100 px=5,5:lime px=115,95:blue
/180/quad-100x120.png   200 png 100x120 px=5,5:yellow px=95,115:red
/270/quad-100x120.png   200 png 120x100 px=5,5:blue px=115,95:lime


=== TEST 8: resize and rotate: the bounds apply before the rotation, in either order
--- config
    location ~ ^/a/(?<w>[^/]*)/(?<h>[^/]*)/(?<angle>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        image_resize rotate $angle;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/b/(?<w>[^/]*)/(?<h>[^/]*)/(?<angle>[^/]*)/(?<f>.+)$ {
        image_resize rotate $angle;
        image_resize resize $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/a/5/6/90/quad-100x120.png      200 png 6x5
/a/5/6/180/quad-100x120.png     200 png 5x6
/a/5/6/270/quad-100x120.png     200 png 6x5
/b/5/6/90/quad-100x120.png      200 png 6x5
/b/5/6/180/quad-100x120.png     200 png 5x6
/b/5/6/270/quad-100x120.png     200 png 6x5
/a/50/-/90/quad-100x120.png     200 png 60x50 px=4,4:lime px=55,4:yellow px=4,45:red px=55,45:blue
/b/50/-/90/quad-100x120.png     200 png 60x50 px=4,4:lime px=55,4:yellow px=4,45:red px=55,45:blue
/a/50/-/180/quad-100x120.png    200 png 50x60 px=4,4:yellow px=45,4:blue px=4,55:lime px=45,55:red
/a/-/60/270/quad-100x120.png    200 png 60x50 px=4,4:blue px=55,4:red px=4,45:yellow px=55,45:lime
/a/200/200/90/quad-100x120.png  200 png 120x100 px=5,5:lime px=115,95:blue
/a/150/-/90/photo-300x200.jpg   200 jpeg 100x150 psnr>30:photo-300x200.jpg,resize:150x100,rotate:90


=== TEST 9: crop and rotate: scale of the unrotated, cut of the rotated picture
--- config
    location ~ ^/a/(?<w>[^/]*)/(?<h>[^/]*)/(?<angle>[^/]*)/(?<f>.+)$ {
        image_resize crop $w $h;
        image_resize rotate $angle;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/b/(?<w>[^/]*)/(?<h>[^/]*)/(?<angle>[^/]*)/(?<f>.+)$ {
        image_resize rotate $angle;
        image_resize crop $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/a/5/6/90/quad-100x120.png      200 png 5x5
/a/5/6/180/quad-100x120.png     200 png 5x6
/a/5/6/270/quad-100x120.png     200 png 5x5
/b/5/6/90/quad-100x120.png      200 png 5x5
/b/5/6/180/quad-100x120.png     200 png 5x6
/b/5/6/270/quad-100x120.png     200 png 5x5
/a/60/40/90/photo-100x120.png   200 png 60x40 psnr>30:photo-100x120.png,resize:60x72,rotate:90,crop:60x40+6+10
/b/60/40/270/photo-100x120.png  200 png 60x40 psnr>30:photo-100x120.png,resize:60x72,rotate:270,crop:60x40+6+10
/a/60/40/180/photo-100x120.png  200 png 60x40 psnr>30:photo-100x120.png,resize:60x72,rotate:180,crop:60x40+0+16
/a/100/110/90/photo-100x120.png 200 png 100x100
/a/200/200/90/quad-100x120.png  200 png 120x100 px=5,5:lime px=115,95:blue


=== TEST 10: a variable that is no number is 415
--- config
    error_page 415 /error;
    location = /error {
        internal;
        return 415 "no";
    }
    location ~ ^/(?<m>r)/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/(?<m>c)/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize crop $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/t/(?<angle>[^/]*)/(?<f>.+)$ {
        image_resize rotate $angle;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/unset/(?<f>.+)$ {
        image_resize resize $arg_w $arg_h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/r/0/50/quad-100x120.png        415
/r/50/0/quad-100x120.png        415
/r/x/50/quad-100x120.png        415
/r/50/x/quad-100x120.png        415
/r/50x/50/quad-100x120.png      415
/r/-5/50/quad-100x120.png       415
/r/5.5/50/quad-100x120.png      415
/r/+5/50/quad-100x120.png       415
/r/99999999999999999999/5/quad-100x120.png 415
/r/--/50/quad-100x120.png       415
/c/0/50/quad-100x120.png        415
/c/50/0/quad-100x120.png        415
/c/x/-/quad-100x120.png         415
/t/0/quad-100x120.png           415
/t/45/quad-100x120.png          415
/t/360/quad-100x120.png         415
/t/-90/quad-100x120.png         415
/t/-/quad-100x120.png           415
/t/x/quad-100x120.png           415
/t/90x/quad-100x120.png         415
/unset/quad-100x120.png         415
/unset/quad-100x120.png?w=50    415
/unset/quad-100x120.png?w=50&h= 415
/unset/quad-100x120.png?w=50&h=- 200 png 50x60
/unset/quad-100x120.png?w=50&h=50 200 png 41x50


=== TEST 11: beside resize or crop a bad angle is no rotation
--- config
    location ~ ^/(?<w>[^/]*)/(?<h>[^/]*)/(?<angle>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        image_resize rotate $angle;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/50/60/45/quad-100x120.png      200 png 50x60 px=4,4:red px=45,55:yellow
/50/60/0/quad-100x120.png       200 png 50x60 px=4,4:red px=45,55:yellow


=== TEST 12: extreme proportions
--- config
    location ~ ^/(?<m>r)/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/(?<m>c)/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize crop $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
/r/10/10/quad-2000x2.png        200 png 10x1
/r/10/10/quad-2x2000.png        200 png 1x10
/r/10/10/quad-2000x2.jpg        200 jpeg 10x1
/r/10/10/quad-2x2000.jpg        200 jpeg 1x10
/c/10/10/quad-2000x2.png        200 png 10x2
/c/10/10/quad-2x2000.png        200 png 2x10
/c/10/10/quad-2000x2.jpg        200 jpeg 10x2
/c/1/1/quad-1x1.gif             200 same=quad-1x1.gif
/r/1/1/quad-3x3.jpg             200 jpeg 1x1
/r/599/-/photo-600x400.jpg      200 jpeg 599x399 psnr>30:photo-600x400.jpg
/r/75/-/photo-600x400.jpg       200 jpeg 75x50 psnr>26:photo-600x400.jpg
/r/74/-/photo-600x400.jpg       200 jpeg 74x49 psnr>26:photo-600x400.jpg
/r/401/-/photo-600x400.jpg      200 jpeg 401x267 psnr>30:photo-600x400.jpg


=== TEST 13: the last mode of a level wins, and a rotation alone is a mode
--- config
    location /a/ {
        image_resize crop 10 10;
        image_resize resize 50 -;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /b/ {
        image_resize resize 50 -;
        image_resize crop 10 10;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /c/ {
        image_resize rotate 90;
        image_resize rotate 180;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /d/ {
        image_resize resize 50 -;
        image_resize off;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/a/quad-100x120.png     200 png 50x60
/b/quad-100x120.png     200 png 10x10
/c/quad-100x120.png     200 png 100x120 px=5,5:yellow
/d/quad-100x120.png     200 same=quad-100x120.png


=== TEST 14: a child location with a mode of its own inherits no mode, bound or angle
--- config
    location /a/ {
        image_resize resize 50 -;
        image_resize rotate 90;
        alias $TEST_NGINX_FIXTURES/;

        location /a/x/ {
            image_resize crop 30 30;
            alias $TEST_NGINX_FIXTURES/;
        }
        location /a/y/ {
            alias $TEST_NGINX_FIXTURES/;
        }
        location /a/z/ {
            image_resize off;
            alias $TEST_NGINX_FIXTURES/;
        }
        location /a/r/ {
            image_resize rotate 180;
            alias $TEST_NGINX_FIXTURES/;
        }
    }
--- rows
/a/quad-100x120.png     200 png 60x50 px=4,4:lime
/a/x/quad-100x120.png   200 png 30x30 px=2,2:red
/a/y/quad-100x120.png   200 png 60x50 px=4,4:lime
/a/z/quad-100x120.png   200 same=quad-100x120.png
/a/r/quad-100x120.png   200 png 100x120 px=5,5:yellow
