# image_resize_png_compression: the same pixels in fewer bytes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: effect, default and inheritance; palettes stay palettes
--- http_config
    image_resize_png_compression best;
--- config
    location /default/  { image_resize resize 150 -; image_resize_png_compression fast; alias $TEST_NGINX_FIXTURES/; }
    location /balanced/ { image_resize resize 150 -; image_resize_png_compression balanced; alias $TEST_NGINX_FIXTURES/; }
    location /best/     { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /lace/fast/ { image_resize resize 150 -; image_resize_interlace on; image_resize_png_compression fast; alias $TEST_NGINX_FIXTURES/; }
    location /lace/best/ { image_resize resize 150 -; image_resize_interlace on; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200.png          200 png 150x100 truecolour psnr>36:photo-300x200.png
/balanced/photo-300x200.png         200 png 150x100 truecolour psnr>36:photo-300x200.png prev<
/best/photo-300x200.png             200 png 150x100 truecolour psnr>36:photo-300x200.png
/default/photo-300x200-palette.png  200 png 150x100 palette psnr>28:photo-300x200-palette.png
/best/photo-300x200-palette.png     200 png 150x100 palette psnr>28:photo-300x200-palette.png prev<
/lace/fast/photo-300x200.png        200 png 150x100 interlaced psnr>36:photo-300x200.png
/lace/best/photo-300x200.png        200 png 150x100 interlaced psnr>36:photo-300x200.png prev<


=== TEST 2: fast is the default
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /fast/ { image_resize resize 150 -; image_resize_png_compression fast; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200.png  200 png 150x100
/fast/photo-300x200.png     200 again etag=same
