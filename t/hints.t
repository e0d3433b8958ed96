# image_resize_hints, and round=up of image_resize_allow.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: a width that is left to the client
--- config
    root $TEST_NGINX_FIXTURES;
    location /a/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize resize auto -;
        image_resize_hints on widths=200,100,50 quality=20;
        image_resize_format auto=webp;
        add_header X-Hint $image_resize_hint;
    }
    location /p/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=* quality=* slow_quality=* dpr=*;
        image_resize_hints on;
        add_header X-Hint $image_resize_hint;
    }
    location /q/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=* quality=*;
        image_resize_hints on quality=20;
    }
    location /l/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=30,60 height=* round=up;
        image_resize_hints on;
    }
    location /off/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=* slow_quality=*;
        image_resize_hints off;
        add_header X-Hint "<$image_resize_hint>";
    }
--- rows
/a/photo-300x200.jpg 200 jpeg 200x133 X-Hint=w200 Accept-CH~Sec-CH-Width Vary~Accept,.Sec-CH-Width Vary~Save-Data
/a/photo-300x200.jpg [Sec-CH-Width: 80] 200 jpeg 100x66 X-Hint=w100
/a/photo-300x200.jpg [Width: 100] 200 again
/a/photo-300x200.jpg [Sec-CH-Viewport-Width: 20] [Sec-CH-DPR: 2.5] 200 jpeg 50x33 X-Hint=w50
/a/photo-300x200.jpg [Sec-CH-Width: 80] [Save-Data: on] 200 jpeg 100x66 q=20 X-Hint=w100-slow
/a/photo-300x200.jpg [ECT: 3g] 200 jpeg 200x133 q=20 X-Hint=w200-slow
/a/photo-300x200.jpg [ECT: 4g] [Accept: image/webp] 200 webp 200x133
HEAD /a/photo-300x200.jpg [Sec-CH-Width: 80] 200 Vary~Sec-CH-Width
/p/photo-300x200.jpg?w=auto 200 same=photo-300x200.jpg !X-Hint Vary~^Sec-CH-Width
/p/photo-300x200.jpg?w=auto&dpr=2 [Sec-CH-Width: 77] 200 jpeg 77x51 Vary~^Sec-CH-Width Vary!~Save-Data
/p/photo-300x200.jpg?w=60&dpr=2 [Sec-CH-Width: 77] 200 jpeg 120x80 !Vary
/p/photo-300x200.jpg?w=60&q=90&slow_quality=10 [RTT: 400] 200 jpeg 60x40 q=10 Vary~Save-Data X-Hint=slow
/p/photo-300x200.jpg?w=60&q=90&slow_quality=10 [RTT: 100] [Downlink: 10] 200 jpeg 60x40 q=90 Vary~Save-Data
/q/photo-300x200.jpg?w=60&q=90 [Save-Data: on] 200 jpeg 60x40 q=20 Vary~Save-Data
/q/photo-300x200.jpg?w=60&q=90 200 jpeg 60x40 q=90 Vary~Save-Data
/l/photo-300x200.jpg?w=auto [Sec-CH-Width: 31] 200 jpeg 60x40
/l/photo-300x200.jpg?w=auto 200 jpeg 60x40
/l/photo-300x200.jpg?w=12 200 jpeg 30x20 !Vary
/l/photo-300x200.jpg?w=31 200 jpeg 60x40
/l/photo-300x200.jpg?w=3000 200 jpeg 60x40
/l/photo-300x200.jpg?w=50%25 403
/l/photo-300x200.jpg?fit=crop 403
/off/photo-300x200.jpg?w=auto 400 !Accept-CH
/off/photo-300x200.jpg?w=40&slow_quality=10 [Save-Data: on] 200 jpeg 40x26 q=75 !Vary !Accept-CH X-Hint=<>



=== TEST 2: the links of others
--- config
    location /cdn-cgi/image/ {
        rewrite ^ $image_resize_source_path break;
        root $TEST_NGINX_FIXTURES;
        image_resize_url cloudflare;
        image_resize_allow all;
        image_resize_hints on widths=40,80;
    }
    location /cdn-cgi/ {
        rewrite ^ $image_resize_source_path break;
        root $TEST_NGINX_FIXTURES;
        image_resize_url cloudflare unknown=ignore;
        image_resize_allow all;
    }
--- rows
/cdn-cgi/image/width=auto/photo-300x200.jpg [Sec-CH-Viewport-Width: 30] 200 jpeg 40x27
/cdn-cgi/image/w=30,q=90,scq=15/photo-300x200.jpg [Save-Data: on] 200 jpeg 30x20 q=15
