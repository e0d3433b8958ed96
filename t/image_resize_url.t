# image_resize_url: links of other image servers, what they make, and what they may fetch.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Links;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: Cloudflare Images
--- config
    location /cdn-cgi/image/ {
        image_resize_url   cloudflare hosts=*.test;
        image_resize_allow all;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
        add_header X-Source "$image_resize_source_scheme|$image_resize_source_host|$image_resize_source" always;
    }
    location /below/ {
        image_resize_url   cloudflare unknown=ignore;
        image_resize_allow all;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /some/ {
        image_resize_url   cloudflare;
        image_resize_allow width=50,100 interlace=*;
        root    $TEST_NGINX_FIXTURES;
        try_files $image_resize_source_path =404;
    }
--- rows
# rounded to the nearest, unlike image_resize
/cdn-cgi/image/w=250/photo-300x200.jpg              200 jpeg 250x167 X-Source=||/photo-300x200.jpg
/cdn-cgi/image/width=200,height=200/photo-300x200.jpg 200 jpeg 200x133
/cdn-cgi/image/w=600/photo-300x200.jpg              200 jpeg 300x200
/cdn-cgi/image/w=600,fit=contain/photo-300x200.jpg  200 jpeg 600x400
/cdn-cgi/image/w=100,h=100,fit=cover/photo-300x200.jpg 200 jpeg 100x100
/cdn-cgi/image/w=900,h=100,fit=crop/photo-300x200.jpg 200 jpeg 300x100
/cdn-cgi/image/w=1920,h=1120,fit=aspect-crop/photo-300x200.jpg 200 jpeg 300x175
/cdn-cgi/image/w=50,h=50,fit=pad,background=%2300ffff/photo-300x200.png 200 png 50x50 px=25,2:cyan
/cdn-cgi/image/w=60,h=20,fit=squeeze/photo-300x200.png 200 png 60x20
/cdn-cgi/image/w=40,h=120,fit=cover,g=right/quad-100x120.png 200 png 40x120 px=5,5:lime
/cdn-cgi/image/w=40,h=120,fit=cover,g=0x0/quad-100x120.png 200 png 40x120 px=35,5:red
/cdn-cgi/image/w=100,dpr=2/photo-300x200.jpg        200 jpeg 200x133
/cdn-cgi/image/f=jpeg,w=100/photo-300x200.png       200 jpeg 100x67 interlaced
/cdn-cgi/image/f=baseline-jpeg,w=100/photo-300x200.png 200 jpeg 100x67 sequential
/cdn-cgi/image/f=auto,w=100/photo-300x200.jpg [Accept: image/webp] 200 webp 100x67 Vary=Accept
/cdn-cgi/image/flip=h/quad-100x120.png              200 png px=5,5:lime
/cdn-cgi/image/rotate=90/quad-100x120.png           200 png 120x100 px=5,5:blue
/cdn-cgi/image/w=60,rotate=90/quad-100x120.png      200 png 60x50 px=5,5:blue
/cdn-cgi/image/trim.left=50,trim.width=50,trim.height=60/quad-100x120.png 200 png 50x60 px=5,5:lime
/cdn-cgi/image/trim=60;0;0;50/quad-100x120.png      200 png 50x60 px=5,5:yellow
/cdn-cgi/image/w=600,fit=scale-up/photo-300x200.jpg 200 jpeg 600x400
/cdn-cgi/image/w=50,q=60/photo-300x200.jpg          200 jpeg q=60
# what it can't do, and what is none
/cdn-cgi/image/w=50,zoom=1/photo-300x200.jpg        400 log=info:bad_params:zoom
/cdn-cgi/image/w=0/photo-300x200.jpg                400 log=info:bad_params:width
# the address that was asked for, and not where the location would lead
/cdn-cgi/image/w=none/photo-300x200.jpg?a=b         400 log=info:bad_params:cdn-cgi/image/w=none/photo-300x200.jpg
/cdn-cgi/image/photo-300x200.jpg                    400
/cdn-cgi/image/w=50/absent.jpg                      404
# the source: its own host only where it is listed, and never above the root
/cdn-cgi/image/w=50/https://a.test/x.jpg?v=1        404 X-Source=https|a.test|/x.jpg?v=1
/cdn-cgi/image/w=50/https://evil.example/x.jpg      403 X-Source=|| log=info:bad_params:evil
/cdn-cgi/image/w=50/https://test/x.jpg              403
/cdn-cgi/image/w=50/%2e%2e/x.jpg                    400
/cdn-cgi/image/w=50/..%2fx.jpg                      400
/cdn-cgi/image/w=50/x%00.jpg                        400
/cdn-cgi/image/w=50/x%0a.jpg                        400
# behind a prefix; what can't be done is left out
/below/cdn-cgi/image/w=50,zoom=1/photo-300x200.jpg  200 jpeg 50x33 log=info:left:out:zoom
/below/cdn-cgi/image/w=x/photo-300x200.jpg          400
/below/w=50/photo-300x200.jpg                       400
/below/cdn-cgi/image/w=50/https://a.test/x.jpg      403
# allowed
/some/cdn-cgi/image/w=50/photo-300x200.jpg          200 jpeg 50x33
/some/cdn-cgi/image/w=51/photo-300x200.jpg          403 log=info:allowed:width
/some/cdn-cgi/image/w=50,f=jpeg/photo-300x200.jpg   403 log=info:allowed:format


=== TEST 2: Next.js
--- config
    location /_next/image {
        image_resize_url   next;
        image_resize_allow width=16,640 quality=75,90;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /avif/ {
        image_resize_url    next;
        image_resize_allow  all;
        image_resize_format auto=avif,webp;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
--- rows
/_next/image?url=%2Fphoto-300x200.jpg&w=16&q=75     200 jpeg 16x11
/_next/image?url=%2Fphoto-300x200.jpg&w=16&q=75&dpl=x [Accept: image/avif,image/webp] 200 webp 16x11 Vary=Accept
/_next/image?url=%2Fphoto-300x200.jpg&w=640&q=90    200 jpeg 300x200
/_next/image?url=%2Fphoto-300x200.jpg&w=17&q=75     403
/_next/image?url=%2Fphoto-300x200.jpg&w=16          400 log=info:bad_params:q
/_next/image?url=https%3A%2F%2Fa.test%2Fa.jpg&w=16&q=75 403
/_next/image?url=%2F%2Fa.test%2Fa.jpg&w=16&q=75     400
/_next/image                                        400
/avif/_next/image?url=%2Fphoto-300x200.jpg&w=16&q=1 [Accept: image/avif,image/webp] 200 avif 16x11


=== TEST 3: imgproxy, signed
--- config
    location / {
        image_resize_url        imgproxy hosts=localhost,bucket;
        image_resize_allow      all;
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=salt key;
        secure_link_hash_require on;

        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/files$image_resize_source;
        add_header X-Source "$image_resize_source_scheme|$image_resize_source_host|$image_resize_source" always;
    }
    location /below/ {
        image_resize_url        imgproxy;
        image_resize_allow      all;
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=salt key;
        secure_link_hash_require on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/files$image_resize_source;
    }
    location /files/ { alias $TEST_NGINX_FIXTURES/; }
--- rows eval
my $below = '/' . mac_token('salt/w:100/plain/photo-300x200.jpg', 'key') . '/w:100/plain/photo-300x200.jpg';
my $rows = "/below$below 200 jpeg 100x67\n/below$below/x 403\n$below 200 jpeg 100x67\n";
for (['/rs:fit:250:250/plain/local:///photo-300x200.jpg', '200 jpeg 250x167 X-Source=||/photo-300x200.jpg'],
     ['/rs:fill:100:100/plain/http://localhost/photo-300x200.jpg@png', '200 png 100x100 X-Source=http|localhost|/photo-300x200.jpg'],
     ['/w:100/' . base64url('s3://bucket/photo-300x200.jpg') . '.webp', '200 webp 100x67 X-Source=s3|bucket|/photo-300x200.jpg'],
     ['/el:1/w:600/plain/photo-300x200.jpg', '200 jpeg 600x400'],
     ['/rs:fill-down:600:300/plain/photo-300x200.jpg', '200 jpeg 300x150'],
     ['/rs:fill:120:120/dpr:2/plain/photo-300x200.jpg', '200 jpeg 200x200'],
     # no side is multiplied by more than there is, nor is the padding
     ['/rs:fill:600:100/dpr:2/plain/photo-300x200.jpg', '200 jpeg 300x100'],
     ['/w:200/dpr:2/pd:10/bg:f00/plain/photo-300x200.png', '200 png 330x230 px=14,100:red'],
     ['/w:200/dpr:2/el:1/pd:10/bg:f00/plain/photo-300x200.png', '200 png 440x307'],
     ['/rot:90/fl:1/plain/quad-100x120.png', '200 png 120x100 px=5,5:red'],
     ['/pd:5:0:0:0/bg:ff0000/plain/quad-100x120.png', '200 png 100x125 px=5,2:red'],
     ['/w:100/plain/http://evil.test/photo-300x200.jpg', '403 log=info:bad_params:evil'],
     ['/w:100/g:obj/plain/photo-300x200.jpg', '400 log=info:bad_params:g:obj'],
     ['/w:100/plain/absent.jpg', '404'],
     ['/exp:1/w:100/plain/photo-300x200.jpg', '410']) {
    my ($path, $expected) = @$_;
    my $uri = '/' . mac_token("salt$path", 'key') . $path;
    $rows .= "$uri $expected\n";
    # What is signed is all of the path.
    $uri =~ s{^/[^/]+}{$&/q:1};
    $rows .= "$uri 403\n";
}
$rows;


=== TEST 4: a variable says which hosts may be asked; locations that lead to others
--- http_config
    map $image_resize_source_host $may_ask {
        default   0;
        ~^a\.    1;
        localhost yes;
    }
--- config
    location /img/ {
        image_resize_url   imgproxy hosts=$may_ask;
        image_resize_allow all;
        root      $TEST_NGINX_FIXTURES;
        try_files $image_resize_source_path @remote;
        add_header X-Source "$image_resize_source_host|$image_resize_source_path" always;
    }
    location @remote {
        image_resize_url   imgproxy hosts=$may_ask;
        image_resize_allow width=*;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/files$image_resize_source;
        add_header X-Remote "$image_resize_source_host|$image_resize_source_path" always;
    }
    location ~ ^/re/ {
        image_resize_url   imgproxy;
        image_resize_allow all;
        root      $TEST_NGINX_FIXTURES;
        set $path $image_resize_source_path;
        if ($arg_x) { rewrite ^ $path break; }
        rewrite ^ $path break;
    }
    location /files/one/ { alias $TEST_NGINX_FIXTURES/; }
--- rows
/img/_/w:60/plain/photo-300x200.jpg                   200 jpeg 60x40 X-Source=|/photo-300x200.jpg
/img/_/w:60/plain/http://a.test/photo-300x200.jpg     200 jpeg 60x40 X-Source=a.test|/photo-300x200.jpg
/img/_/w:60/plain/one/photo-300x200.jpg               200 jpeg 60x40 X-Remote=|/one/photo-300x200.jpg
/img/_/w:60/plain/http://localhost/one/photo-300x200.jpg 200 jpeg 60x40 X-Remote=localhost|/one/photo-300x200.jpg
/img/_/f:png/plain/one/photo-300x200.jpg              403
/img/_/w:60/plain/http://b.test/photo-300x200.jpg     403 X-Source=|/
/re/w:60/plain/photo-300x200.jpg                      200 jpeg 60x40
/re/w:60/plain/photo-300x200.jpg?x=1                  200 jpeg 60x40
/re/w:x/plain/photo-300x200.jpg?x=1                   400
/re/w:60/plain/http://a.test/photo-300x200.jpg        403


=== TEST 5: presets, and what is no picture
--- http_config
    image_resize_preset thumb "w=60,h=60,fit=cover,f=png";
--- config
    location /img/ {
        image_resize_url imgproxy;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /info/ {
        image_resize     info;
        image_resize_url imgproxy;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
--- rows
/img/_/pr:thumb/plain/photo-300x200.jpg  200 png 60x60
/img/_/pr:none/plain/photo-300x200.jpg   400 log=info:bad_params:none
/img/_/w:5/plain/photo-300x200.jpg       403 log=info:allowed:presets
/img/_/plain/photo-300x200.jpg           200 jpeg 300x200
/img/_/plain/text.txt                    415
/info/_/w:5/plain/photo-300x200.jpg      200 Content-Type~json
/info/_/w:x/plain/photo-300x200.jpg      400


=== TEST 6: the same picture by way of the cache
--- http_config
    image_resize_cache_path $TEST_NGINX_HTML_DIR/kept keys_zone=kept:1m;
--- config
    location = /_next/image {
        image_resize_url   next;
        image_resize_allow all;
        image_resize_cache kept;
        image_resize_cache_valid 1h;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/files$image_resize_source;
        add_header X-Cache $image_resize_cache_status;
    }
    location /files/ { alias $TEST_NGINX_FIXTURES/; }
--- rows
/_next/image?url=%2Fphoto-300x200.jpg&w=60&q=70 200 jpeg 60x40 X-Cache=MISS
/_next/image?url=%2Fphoto-300x200.jpg&w=60&q=70 200 jpeg 60x40 X-Cache=HIT
/_next/image?url=%2Fphoto-300x200.jpg&w=61&q=70 200 jpeg 61x41 X-Cache=MISS
/_next/image?url=%2Fquad-100x120.png&w=60&q=70  200 png 60x72 X-Cache=MISS
/_next/image?url=%2Fphoto-300x200.jpg&w=60&q=70 200 jpeg 60x40 X-Cache=HIT


=== TEST 7: thumbor, signed
--- config
    location / {
        image_resize_url         thumbor hosts=a.test;
        image_resize_allow       all;
        secure_link_hash_format  thumbor;
        secure_link_hash_key     key;
        secure_link_hash_require on;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
        add_header X-Source "$image_resize_source_host|$image_resize_source" always;
    }
    location /all/ {
        image_resize_url   thumbor;
        image_resize_allow all;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
--- rows eval
my $rows = '';
for (['300x200/smart/photo-300x200.jpg', '200 jpeg 300x200 X-Source=|/photo-300x200.jpg'],
     ['100x100/a.test/photo-300x200.jpg', '200 jpeg 100x100 X-Source=a.test|/photo-300x200.jpg'],
     ['100x0/b.test/photo-300x200.jpg', '404 X-Source=|/b.test/photo-300x200.jpg'],
     ['filters:expire(1000)/photo-300x200.jpg', '410']) {
    my ($path, $expected) = @$_;
    my $signature = base64url(mac($path, 'key', 'hmac-sha1')) . '=';
    $rows .= "/$signature/$path $expected\n/$signature/1x1/$path 403\n";
}
$rows . <<'E_';
/all/unsafe/250x0/photo-300x200.jpg                 200 jpeg 250x167
/all/unsafe/600x0/photo-300x200.jpg                 200 jpeg 600x400
/all/unsafe/fit-in/600x600/photo-300x200.jpg        200 jpeg 300x200
/all/unsafe/fit-in/100x100/filters:fill(red)/photo-300x200.png 200 png 100x100 px=50,5:red
/all/unsafe/40x120/left/quad-100x120.png            200 png 40x120 px=5,5:red
/all/unsafe/-40x120/left/quad-100x120.png           200 png 40x120 px=35,5:red
/all/unsafe/stretch/60x20/photo-300x200.png         200 png 60x20
/all/unsafe/50x0:100x60/25x0/quad-100x120.png       200 png 25x30 px=5,5:lime
/all/unsafe/60x20/filters:rotate(90)/photo-300x200.png 200 png 20x60
/all/unsafe/filters:rotate(90)/quad-100x120.png     200 png 120x100 px=5,5:lime
/all/unsafe/filters:format(webp):quality(30)/photo-300x200.jpg 200 webp 300x200
/all/unsafe/filters:watermark(a)/photo-300x200.jpg  400 log=info:bad_params:watermark
E_


=== TEST 8: weserv
--- config
    location = /image {
        image_resize_url   weserv hosts=localhost;
        image_resize_allow all;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
        add_header X-Source "$image_resize_source_scheme|$image_resize_source_host|$image_resize_source" always;
    }
--- rows
/image?url=photo-300x200.jpg&w=250                  200 jpeg 250x167 X-Source=||/photo-300x200.jpg
/image?url=localhost/photo-300x200.jpg&w=600        200 jpeg 600x400 X-Source=http|localhost|/photo-300x200.jpg
/image?url=ssl:localhost/photo-300x200.jpg&w=600&we 200 jpeg 300x200 X-Source=https|localhost|/photo-300x200.jpg
/image?url=http://other/photo-300x200.jpg           403 X-Source=||
/image?url=/photo-300x200.jpg&w=200&ro=90           200 jpeg 133x200
/image?url=/photo-300x200.jpg&w=100&h=100&fit=cover 200 jpeg 100x100
/image?url=/photo-300x200.jpg&w=100&h=100&fit=outside 200 jpeg 150x100
/image?url=/photo-300x200.png&w=100&h=100&fit=contain&cbg=red 200 png 100x100 px=50,5:red
/image?url=/photo-300x200.png&w=60&h=20&fit=fill    200 png 60x20
/image?url=/quad-100x120.png&w=50&cx=25&cy=0&cw=25&ch=30 200 png 25x30 px=5,5:lime
/image?url=/quad-100x120.png&w=50%25                200 png 50x60
/image?url=/quad-100x120.png&w=60&h=20&fit=fill&ro=90 200 png 20x60
/image?url=/quad-100x120-alpha.png&bg=red           200 png opaque px=5,5:any
/image?url=/quad-100x120.png&flop                   200 png px=5,5:lime
/image?url=/quad-100x120.png&flip                   200 png px=5,5:blue
/image?url=/photo-300x200.png&output=jpg&q=40&il    200 jpeg 300x200 q=40 interlaced
/image?url=/photo-300x200.jpg&q=40                  200 jpeg 300x200 q=40
/image?url=/photo-300x200.jpg                       200 same=photo-300x200.jpg
/image?url=/photo-300x200.jpg&w=x&nothing=1         200 jpeg 300x200
/image?url=/photo-300x200.jpg&output=tiff           400 log=info:bad_params:tiff
/image?w=5                                          400


=== TEST 9: imgix, signed
--- config
    location / {
        image_resize_url         imgix hosts=a.test;
        image_resize_allow       all;
        secure_link_hash_format  imgix;
        secure_link_hash_key     FOO123bar;
        secure_link_hash_require on;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
        add_header X-Source "$image_resize_source_host|$image_resize_source" always;
    }
    location /all/ {
        image_resize_url   imgix;
        image_resize_allow all;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
--- rows eval
my $rows = '';
for (['/photo-300x200.jpg', 'w=250&ixlib=js-3.8.0', '200 jpeg 250x167 X-Source=|/photo-300x200.jpg'],
     ['/http%3A%2F%2Fa.test%2Fphoto-300x200.jpg', 'w=100&h=100&fit=crop', '200 jpeg 100x100 X-Source=a.test|/photo-300x200.jpg'],
     ['/http%3A%2F%2Fb.test%2Fphoto-300x200.jpg', 'w=100', '403'],
     ['/photo-300x200.jpg', 'expires=1000', '410']) {
    my ($path, $query, $expected) = @$_;
    my $s = unpack 'H*', mac("FOO123bar$path?$query", '', 'md5');
    $rows .= "$path?$query&s=$s $expected\n$path?$query&h=9&s=$s 403\n";
}
$rows . <<'E_';
/all/photo-300x200.jpg?w=600                        200 jpeg 600x400
/all/photo-300x200.jpg?w=600&h=600&fit=max          200 jpeg 300x200
/all/photo-300x200.jpg?w=600&h=600&fit=min          200 jpeg 200x200
/all/photo-300x200.jpg?w=0.5                        200 jpeg 150x100
/all/photo-300x200.jpg?w=160&ar=16:9&fit=crop       200 jpeg 160x90
/all/photo-300x200.jpg?rect=10,20,100,50            200 jpeg 100x50
/all/photo-300x200.png?w=100&h=100&fit=fill&fill=solid&fill-color=red 200 png 100x100 px=50,5:red
/all/photo-300x200.jpg?w=100&h=100&fit=scale        200 jpeg 100x100
/all/photo-300x200.jpg?auto=format [Accept: image/webp] 200 webp Vary=Accept
/all/photo-300x200.jpg?txt=a                        400 log=info:bad_params:txt
E_


=== TEST 10: ipx
--- config
    location /_ipx/ {
        image_resize_url   ipx hosts=a.test;
        image_resize_allow all;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
--- rows
/_ipx/_/photo-300x200.jpg                           200 jpeg 300x200
/_ipx/w_250/photo-300x200.jpg                       200 jpeg 250x167
/_ipx/w_600/photo-300x200.jpg                       200 jpeg 300x200
/_ipx/w_600&enlarge/photo-300x200.jpg               200 jpeg 600x400
/_ipx/w_100,h_10/photo-300x200.jpg                  200 jpeg 100x67
/_ipx/s_100x100,f_webp/photo-300x200.jpg            200 webp 100x100
/_ipx/s_600x600/photo-300x200.jpg                   200 jpeg 200x200
/_ipx/s_40x120,pos_left/quad-100x120.png            200 png 40x120 px=5,5:red
/_ipx/w_60,rotate_90/quad-100x120.png               200 png 60x50 px=5,5:blue
/_ipx/flip/quad-100x120.png                         200 png px=5,5:blue
/_ipx/crop_10_20_100_50/photo-300x200.jpg           200 jpeg 100x50
/_ipx/w_100/https://a.test/photo-300x200.jpg        200 jpeg 100x67
/_ipx/w_100/https://b.test/photo-300x200.jpg        403
/_ipx/extend_5_0_0_0/quad-100x120.png               200 png 100x125 px=5,2:black
/_ipx/median_3/photo-300x200.jpg                    400 log=info:bad_params:median
/_ipx/w_100/                                        400


=== TEST 11: the IIIF Image API
--- config
    location /iiif/ {
        image_resize_url   iiif;
        image_resize_allow all;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /forgiving/ {
        image_resize_url      iiif;
        image_resize_allow    all;
        image_resize_on_error original;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /others/ { alias $TEST_NGINX_FIXTURES/; add_header Access-Control-Allow-Origin https://other.test; }
    location /cors/ {
        image_resize_url   iiif;
        image_resize_allow all;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/others$image_resize_source_path;
    }
    location /small/ {
        image_resize_url   iiif base=https://$arg_host/museum;
        image_resize_allow all;
        image_resize_limit output_pixels=15000;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
--- rows
/iiif/photo-300x200.jpg/full/max/0/default.png      200 png 300x200
/iiif/.%2Fphoto-300x200.jpg/full/250,/0/default.jpg 200 jpeg 250x167
/iiif/photo-300x200.jpg/full/,100/0/default.webp    200 webp 150x100
/iiif/photo-300x200.jpg/full/60,20/0/default.png    200 png 60x20
/iiif/photo-300x200.jpg/full/!100,100/0/default.jpg 200 jpeg 100x67
/iiif/photo-300x200.jpg/full/^600,/0/default.jpg    200 jpeg 600x400
/iiif/photo-300x200.jpg/full/pct:50/0/default.jpg   200 jpeg 150x100
/iiif/photo-300x200.jpg/square/max/0/default.jpg    200 jpeg 200x200
/iiif/photo-300x200.jpg/square/100,/0/default.jpg   200 jpeg 100x100
/iiif/photo-300x200.jpg/square/pct:50/0/default.jpg 200 jpeg 100x100
/iiif/photo-300x200.jpg/square/90,30/0/default.jpg  200 jpeg 90x30
/iiif/quad-100x120.png/square/max/0/default.png     200 png 100x100 px=5,45:red px=5,55:blue
/iiif/photo-300x200.png/full/max/0/bitonal.png      200 png components=1 px=150,100:any
# without a circumflex nothing is enlarged
/iiif/photo-300x200.jpg/full/301,/0/default.jpg     400 log=info:bad_params:larger
/iiif/photo-300x200.jpg/full/,201/0/default.jpg     400
/iiif/photo-300x200.jpg/full/300,201/0/default.jpg  400
/iiif/photo-300x200.jpg/0,0,50,50/51,/0/default.jpg 400
/iiif/photo-300x200.jpg/full/!600,600/0/default.jpg 200 jpeg 300x200
/iiif/photo-300x200.jpg/full/^300,400/90/default.jpg 200 jpeg 400x300
# which no policy of errors gives the original for
/forgiving/photo-300x200.jpg/full/301,/0/default.jpg      400
/forgiving/photo-300x200.jpg/300,0,9,9/max/0/default.jpg  400
/forgiving/photo-300x200.jpg/full/60,/0/default.jpg       200 jpeg 60x40
/cors/photo-300x200.jpg/full/60,/0/default.jpg            200 jpeg 60x40 Access-Control-Allow-Origin=*
/cors/photo-300x200.jpg/info.json                         200 Access-Control-Allow-Origin=*
# what is told of a picture
/iiif/photo-300x200.jpg                             303 Location~^http://localhost(:\d+)?/iiif/photo-300x200.jpg/info.json$ Access-Control-Allow-Origin=*
/iiif/.%2Fphoto-300x200.jpg?x                       303 Location~/iiif/.%252Fphoto-300x200.jpg/info.json$
/iiif/photo-300x200.jpg/info.json                   200 Content-Type=application/ld+json;profile="http://iiif.io/api/image/3/context.json" Access-Control-Allow-Origin=* Vary~Accept
/iiif/photo-300x200.jpg/info.json [Accept: application/json] 200 Content-Type=application/json
/iiif/photo-300x200.jpg/info.json [Accept: application/ld+json] 200 Content-Type~^application/ld
HEAD /iiif/photo-300x200.jpg/info.json              200 Content-Type~^application/ld empty
/iiif/photo-300x200.jpg/full/50,/0/default.jpg      200 jpeg Access-Control-Allow-Origin=* Link=<http://iiif.io/api/image/3/level2.json>;rel="profile"
/iiif/absent.jpg/info.json                          404 Access-Control-Allow-Origin=*
/iiif/text.txt/info.json                            415 Access-Control-Allow-Origin=*
/iiif/photo-300x200.jpg/full/301,/0/default.jpg     400 Access-Control-Allow-Origin=*
/iiif/photo-300x200.jpg/info.json                   200 etag=weak
/iiif/photo-300x200.jpg/info.json [If-None-Match: $etag] 304 empty etag=same Access-Control-Allow-Origin=* Vary~Accept
/iiif/photo-300x200.jpg/info.json [Accept: application/json] 200 etag=other
/iiif/photo-300x200.jpg/info.json [If-Modified-Since: $last_modified] 304 empty etag=other Access-Control-Allow-Origin=*
# more pixels than there may be
/small/photo-300x200.jpg/full/max/0/default.jpg     200 jpeg 150x100
/small/photo-300x200.jpg/full/^max/90/default.png   200 png 100x150
/small/photo-300x200.jpg/full/200,/0/default.jpg    415
/small/photo-300x200.jpg?host=a.test                303 Location=https://a.test/museum/small/photo-300x200.jpg/info.json
/small/photo-300x200.jpg/info.json?host=a.test      200 Content-Type~^application/ld
/small/photo-300x200.jpg/info.json                  415 line=error:base
/iiif/quad-100x120.png/50,0,50,60/max/0/default.png 200 png 50x60 px=5,5:lime
/iiif/quad-100x120.png/90,0,50,60/max/0/default.png 200 png 10x60
/iiif/quad-100x120.png/pct:50,50,50,50/max/0/default.png 200 png 50x60 px=5,5:yellow
/iiif/quad-100x120.png/full/max/90/default.png      200 png 120x100 px=5,5:blue
/iiif/quad-100x120.png/full/50,/90/default.png      200 png 60x50
/iiif/quad-100x120.png/full/max/!0/default.png      200 png px=5,5:lime
/iiif/quad-100x120.png/full/max/!90/default.png     200 png 120x100 px=5,5:yellow
/iiif/photo-300x200.jpg/full/max/0/gray.jpg         200 jpeg components=1
/iiif/quad-100x120.png/200,0,10,10/max/0/default.png 400
/iiif/photo-300x200.jpg/full/0,/0/default.jpg       400
/iiif/a/photo-300x200.jpg/full/max/0/default.jpg    404
/iiif/                                              404
/iiif/absent.jpg/full/max/0/default.jpg             404


=== TEST 12: what viewers are told, made and kept
--- http_config
    image_resize_cache_path $TEST_NGINX_HTML_DIR/kept keys_zone=kept:1m;
--- config
    location /iiif/ {
        image_resize_url   iiif base=https://$arg_host;
        image_resize_allow all;
        image_resize_cache kept;
        image_resize_cache_valid 1h;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
        add_header X-Cache $image_resize_cache_status;
    }
--- script eval
sub {
    my ($name) = @_;
    require JSON::PP;
    fixture_path($_) for qw(photo-300x200.jpg photo-3000x2001.jpg);
    for (['a.test', 'photo-300x200.jpg', 300, 200, 'MISS'], ['a.test', 'photo-300x200.jpg', 300, 200, 'HIT'],
         ['b.test', 'photo-300x200.jpg', 300, 200, 'MISS'], ['a.test', 'photo-3000x2001.jpg', 3000, 2001, 'MISS']) {
        my ($host, $file, $width, $height, $cache) = @$_;
        my $answer = client()->get("/iiif/$file/info.json?host=$host");
        my $told = JSON::PP::decode_json($answer->{body});
        Test::More::is($answer->{h}{'x-cache'}, $cache, "$name: kept");
        Test::More::is($told->{id}, "https://$host/iiif/$file", "$name: id");
        Test::More::is("$told->{width}x$told->{height}", "${width}x$height", "$name: size");
        Test::More::is(CORE::join(' ', @$told{qw(@context type profile protocol)}), 'http://iiif.io/api/image/3/context.json '
            . 'ImageService3 level2 http://iiif.io/api/image', "$name: what it is");
        Test::More::is($told->{maxArea}, 80_000_000, "$name: limit");
        # Each size and the last tile of each scale are there.
        for my $size (@{$told->{sizes}}) {
            my $made = client()->get("/iiif/$file/full/$size->{width},$size->{height}/0/default.png?host=$host");
            Test::More::is($made->{status}, 200, "$name: $size->{width}x$size->{height}");
        }
        for my $scale (@{$told->{tiles}[0]{scaleFactors}}) {
            my $side = $told->{tiles}[0]{width} * $scale;
            my ($x, $y) = map { int(($_ - 1) / $side) * $side } $width, $height;
            my ($w, $h) = ($width - $x, $height - $y);
            my $size = CORE::join(',', map { int(($_ + $scale - 1) / $scale) } $w, $h);
            my $made = client()->get("/iiif/$file/$x,$y,$w,$h/$size/0/default.jpg?host=$host");
            Test::More::is($made->{status}, 200, "$name: tile $x,$y,$w,$h/$size");
        }
    }
}


=== TEST 13: what is told of pictures, by the rules of the pictures
--- config
    location /cdn-cgi/image/ {
        image_resize_url   cloudflare hosts=a.test;
        image_resize_allow width=50,100 fit=* gravity=*;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /small/ {
        image_resize_url   cloudflare;
        image_resize_allow all;
        image_resize_limit output_pixels=15000 width=1000;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /tight/ {
        image_resize_url   cloudflare;
        image_resize_allow all;
        image_resize_limit memory=1m;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /hints/ {
        image_resize_url    cloudflare;
        image_resize_allow  all;
        image_resize_hints  on widths=60,120;
        image_resize_format auto;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location / {
        image_resize_url         thumbor;
        image_resize_allow       all;
        secure_link_hash_format  thumbor;
        secure_link_hash_key     key;
        secure_link_hash_require on;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
    location /all/ {
        image_resize_url   thumbor;
        image_resize_allow all;
        image_resize_pass  svg;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
        add_header X-Size $image_resize_width,$image_resize_height,$image_resize_status;
    }
    location = /weserv {
        image_resize_url   weserv;
        image_resize_allow all;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
--- rows eval
my $rows = '';
for my $path ('meta/300x200/photo-300x200.jpg') {
    my $signature = base64url(mac($path, 'key', 'hmac-sha1')) . '=';
    (my $picture = $path) =~ s/^meta.//;
    $rows .= "/$signature/$path 200 Content-Type=application/json\n/$signature/$picture 403\n";
    $signature = base64url(mac($picture, 'key', 'hmac-sha1')) . '=';
    $rows .= "/$signature/$picture 200 jpeg\n/$signature/$path 403\n";
}
$rows . <<'E_';
# thumbor
/all/unsafe/meta/photo-300x200.jpg 200 Content-Type=application/json X-Size=300,200,transformed !Vary body={"thumbor":{"source":{"url":"photo-300x200.jpg","width":300,"height":200,"frameCount":1},"operations":[],"target":{"width":300,"height":200},"focal_points":[{"x":150,"y":100,"z":1,"height":1,"width":1,"origin":"alignment"}]},"format":"jpeg","content_type":"image/jpeg","width":300,"height":200,"orientation":1,"pages":1}
/all/unsafe/meta/-50x50/left/photo-300x200.jpg 200 body={"thumbor":{"source":{"url":"photo-300x200.jpg","width":300,"height":200,"frameCount":1},"operations":[{"type":"crop","left":0,"top":0,"right":200,"bottom":200},{"type":"resize","width":50,"height":50},{"type":"flip_horizontally"}],"target":{"width":50,"height":50},"focal_points":[{"x":0,"y":100,"z":1,"height":1,"width":1,"origin":"alignment"}]},"format":"jpeg","content_type":"image/jpeg","width":50,"height":50,"orientation":1,"pages":1}
/all/unsafe/meta/900x900:1000x1000/-50x50/left/photo-300x200.jpg 200 body={"thumbor":{"source":{"url":"photo-300x200.jpg","width":300,"height":200,"frameCount":1},"operations":[{"type":"crop","left":0,"top":0,"right":200,"bottom":200},{"type":"resize","width":50,"height":50},{"type":"flip_horizontally"}],"target":{"width":50,"height":50},"focal_points":[{"x":0,"y":100,"z":1,"height":1,"width":1,"origin":"alignment"}]},"format":"jpeg","content_type":"image/jpeg","width":50,"height":50,"orientation":1,"pages":1}
/all/unsafe/900x900:1000x1000/60x0/photo-300x200.jpg 200 X-Size=60,40,transformed
/all/unsafe/meta/photo-300x200.jpg?callback=alert 200 Content-Type=application/json
HEAD /all/unsafe/meta/50x50/photo-300x200.jpg       200 Content-Type=application/json empty
/all/unsafe/meta/50x50/photo-300x200.jpg            200 etag=weak
/all/unsafe/meta/50x50/photo-300x200.jpg [If-None-Match: $etag] 304 empty etag=same
/all/unsafe/50x50/photo-300x200.jpg                 200 jpeg etag=other
/all/unsafe/meta/50x50/left/photo-300x200.jpg       200 etag=other
/all/unsafe/meta/50x50/photo-300x200.jpg [Range: bytes=0-3] 200 Content-Type=application/json
/all/unsafe/meta/absent.jpg                         404
/all/unsafe/meta/text.txt                           415
/all/unsafe/meta/a/../photo-300x200.jpg             400
/all/unsafe/debug/photo-300x200.jpg                 400 log=info:bad_params:debug
/all/params/unsafe/photo-300x200.jpg                400 log=info:bad_params:params
# Cloudflare Images
/cdn-cgi/image/format=json/photo-300x200.jpg        200 Content-Type=application/json
/cdn-cgi/image/format=json,w=100/photo-300x200.jpg  200 Content-Type=application/json
/cdn-cgi/image/format=json,w=99/photo-300x200.jpg   403
/cdn-cgi/image/format=json,w=50,q=3/photo-300x200.jpg 403
/cdn-cgi/image/format=json,w=50/https://b.test/x.jpg 403
/cdn-cgi/image/format=json,w=50/https://a.test/x.jpg 404
/cdn-cgi/image/format=json,zoom=1/photo-300x200.jpg 400
/small/cdn-cgi/image/format=json,w=200/photo-300x200.jpg 415
/small/cdn-cgi/image/format=json,w=150/photo-300x200.jpg 200
/small/cdn-cgi/image/format=json,w=9/photo-3000x2001.jpg 415
/tight/cdn-cgi/image/format=json,w=150/photo-300x200.jpg 415
/tight/cdn-cgi/image/w=150/photo-300x200.jpg        415
/hints/cdn-cgi/image/format=json,w=auto/photo-300x200.jpg [Sec-CH-Width: 100] 200 Vary~Sec-CH-Width Content-Type=application/json
# weserv
/weserv?url=/photo-300x200.jpg&w=100&output=json    200 Content-Type=application/json body={"format":"jpeg","width":100,"height":67,"isProgressive":false,"hasProfile":false,"hasAlpha":false,"orientation":1}
HEAD /weserv?url=/photo-300x200.jpg&output=json     200 Content-Type=application/json empty
E_


=== TEST 14: what is told of pictures, kept beside them
--- http_config
    image_resize_cache_path $TEST_NGINX_HTML_DIR/told keys_zone=told:1m;
--- config
    location / {
        image_resize_url   cloudflare;
        image_resize_allow all;
        image_resize_cache told;
        image_resize_cache_valid 1h;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
        add_header X-Cache $image_resize_cache_status;
    }
    location /thumbor/ {
        image_resize_url   thumbor;
        image_resize_allow all;
        image_resize_cache told;
        image_resize_cache_valid 1h;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
        add_header X-Cache $image_resize_cache_status;
    }
    location /round/ {
        image_resize_url   cloudflare;
        image_resize_allow width=50,100 round=up;
        root    $TEST_NGINX_FIXTURES;
        rewrite ^ $image_resize_source_path break;
    }
--- script eval
sub {
    my ($name) = @_;
    require JSON::PP;
    my $bytes = -s fixture_path('photo-300x200.jpg');
    my $tell = sub {
        my ($uri, $cache) = @_;
        my $answer = client()->get($uri);
        Test::More::is($answer->{status}, 200, "$name: $uri");
        Test::More::is($answer->{h}{'content-type'}, 'application/json', "$name: type of $uri");
        Test::More::is($answer->{h}{'x-cache'}, $cache, "$name: kept of $uri") if $cache;
        return JSON::PP::decode_json($answer->{body});
    };
    my $picture = sub {
        my ($uri, $cache) = @_;
        my $answer = client()->get($uri);
        Test::More::is("$answer->{h}{'content-type'} $answer->{h}{'x-cache'}", "image/jpeg $cache", "$name: $uri");
    };
    my $image = '/cdn-cgi/image/w=60';
    for my $cache (qw(MISS HIT)) {
        $picture->("$image/photo-300x200.jpg", $cache);
        my $told = $tell->("$image,format=json/photo-300x200.jpg", $cache);
        Test::More::is_deeply($told, { width => 60, height => 40, original => {
            file_size => $bytes, width => 300, height => 200, format => 'image/jpeg',
        } }, "$name: Cloudflare, $cache");
        $picture->('/thumbor/unsafe/60x0/photo-300x200.jpg', $cache);
        $told = $tell->('/thumbor/unsafe/meta/60x0/photo-300x200.jpg', $cache);
        Test::More::is($told->{thumbor}{target}{height}, 40, "$name: thumbor, $cache");
    }
    # What is asked for is rounded as that of the picture.
    my $told = $tell->('/round/cdn-cgi/image/w=60,format=json/photo-300x200.jpg');
    Test::More::is("$told->{width}x$told->{height}", '100x67', "$name: rounded");
}
