# What the limits let through that are there by default, and what becomes of more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: pictures of phones are reduced
--- config
    add_header X-Error $image_resize_error always;
    location /60/ { image_resize resize 60 -; alias $TEST_NGINX_FIXTURES/; }
    location /200/ { image_resize resize 200 -; alias $TEST_NGINX_FIXTURES/; }
    location /1600/ { image_resize resize 1600 -; alias $TEST_NGINX_FIXTURES/; }
    location /crop/ { image_resize crop 400 400; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /info/ { image_resize info; alias $TEST_NGINX_FIXTURES/; }
    location /few/ { image_resize resize 200 -; image_resize_limit pixels=1m; alias $TEST_NGINX_FIXTURES/; }
    location /fewer/ { image_resize resize 2000 -; image_resize_limit pixels=1m; alias $TEST_NGINX_FIXTURES/; }
    location /side/ { image_resize resize 200 -; image_resize_limit width=8159; alias $TEST_NGINX_FIXTURES/; }
--- rows
/60/phone-8160x6144.jpg         200 jpeg 60x45 px=30,20:gray~2
/200/phone-8160x6144.jpg        200 jpeg 200x150 px=99,99:gray~2
/1600/phone-8160x6144.jpg       200 jpeg 1600x1204 px=99,99:gray~2
/200/phone-16320x12240.jpg      200 jpeg 200x150 px=99,99:gray~2
/crop/phone-16320x12240.jpg     200 jpeg 400x400 px=99,99:gray~2
/size/phone-16320x12240.jpg     200 Content-Type=application/json
/info/phone-16320x12240.jpg     200 Content-Type=application/json
# what counts is what is decoded, and the sides as they are
/few/phone-8160x6144.jpg        200 jpeg 200x150
/fewer/phone-8160x6144.jpg      415 X-Error=too_many_pixels
/side/phone-8160x6144.jpg       415 X-Error=too_many_pixels


=== TEST 2: animations of hundreds of frames; beyond the limit the first one
--- config
    add_header X-Error $image_resize_error always;
    location /all/ { image_resize resize 20 -; alias $TEST_NGINX_FIXTURES/; }
    location /first/ { image_resize resize 20 -; image_resize_animation first; alias $TEST_NGINX_FIXTURES/; }
    location /one/ { image_resize resize 20 -; image_resize_limit frames=1; alias $TEST_NGINX_FIXTURES/; }
    location /ten/ { image_resize resize 10 -; alias $TEST_NGINX_FIXTURES/; }
    location /strict/ {
        image_resize resize 10 -;
        image_resize_damaged strict;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /strict-first/ {
        image_resize resize 10 -;
        image_resize_damaged strict;
        image_resize_animation first;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/all/frames-210.gif             200 gif 20x20 frames=210
/first/frames-210.gif           200 gif 20x20 frames=1 px=9,9:red
/first/frames-260.gif           200 gif 20x20 frames=1 px=9,9:red
/one/frames-260.gif             200 gif 20x20 frames=1 px=9,9:red
/ten/frames-1100.gif            200 gif 10x10 frames=1 px=5,5:red
/strict/frames-1100.gif         415 X-Error=too_many_frames log=info:too_many_frames
/strict-first/frames-1100.gif   200 gif 10x10 frames=1
/all/frames-100000.gif          415 X-Error=too_many_frames log=info:too_many_frames
/first/frames-100000.gif        415 X-Error=too_many_frames log=info:too_many_frames
