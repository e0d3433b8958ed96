# image_resize_params, _preset, _allow: what URLs may say, and what they may not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 0: a number that rewrite captured is the fault of the configuration, one of the path that of the client
--- config
    location ~ ^/a/(\d+)/(.*)$ {
        rewrite ^/a/\d+/(.*)$ /$1 break;
        root $TEST_NGINX_FIXTURES;
        image_resize resize $1 -;
    }
    location ~ ^/b/(\w+)/(.*)$ { alias $TEST_NGINX_FIXTURES/$2; image_resize resize $1 -; }
--- suppress_stderr
--- rows
/a/150/photo-300x200.jpg 415 line=error:image_resize:width:photo-300x200.jpg
/b/150/photo-300x200.jpg 200 jpeg 150x100
/b/wide/photo-300x200.jpg 415 line=info:image_resize:width:wide


=== TEST 1: every name
--- config
    location ~ ^/i/(?<p>[^/]*)/ {
        rewrite ^/i/[^/]*/(.*)$ /$1 break;
        root $TEST_NGINX_FIXTURES;
        image_resize_params $p;
        image_resize_allow width=* height=* fit=* gravity=* dpr=* enlarge=* quality=* format=* background=*
                           rotate=* flip=* blur=* sharpen=* brightness=* contrast=* saturation=* hue=*
                           gamma=* grayscale=* trim=* metadata=*;
    }
--- rows
/i/width=50/quad-100x120.png            200 png 50x60
/i/w=50/quad-100x120.png                200 again
/i/height=60/quad-100x120.png           200 again
/i/h=60,w=-/quad-100x120.png            200 again
/i/w=300,fit=scale-down/quad-100x120.png 200 same=quad-100x120.png
/i/w=200,fit=contain/quad-100x120.png   200 png 200x240
/i/w=200,fit=contain,enlarge=off/quad-100x120.png 200 same=quad-100x120.png
/i/w=40,h=40,fit=crop/quad-100x120.png  200 png 40x40
/i/w=200,h=50,fit=crop/quad-100x120.png 200 png 100x50
/i/w=200,h=50,fit=cover/quad-100x120.png 200 png 200x50
/i/w=200,h=300,fit=pad,bg=00ffff/quad-100x120.png 200 png 200x300 px=5,5:cyan px=100,40:any
/i/w=200,h=300,fit=pad,enlarge=off,bg=00ffff/quad-100x120.png 200 png 200x300 px=30,150:cyan px=55,95:red
/i/w=40,fit=cover/quad-100x120.png      200 png 40x48
/i/h=240,fit=cover/quad-100x120.png     200 png 200x240
/i/w=33,h=20,fit=stretch/quad-100x120.png 200 png 33x20
/i/w=40,h=120,fit=crop,gravity=east/quad-100x120.png 200 png 40x120 px=5,5:lime
/i/w=40,h=120,fit=crop,g=0:0/quad-100x120.png 200 png 40x120 px=35,5:red
/i/w=20,dpr=2/quad-100x120.png          200 png 40x48
/i/w=200,enlarge=on/quad-100x120.png    200 png 200x240
/i/w=150,quality=30/photo-300x200.jpg   200 jpeg 150x100 q=30
/i/w=150,q=40/photo-300x200.jpg         200 jpeg 150x100 q=40
/i/format=webp,w=50/quad-100x120.png    200 webp 50x60
/i/f=gif,w=50/quad-100x120.png          200 gif 50x60
/i/f=jpeg,background=red,w=50/quad-100x120-alpha.png 200 jpeg 50x60 px=5,5:red~8
# clockwise, unlike the directive
/i/rotate=90/quad-100x120.png           200 png 120x100 px=5,5:blue px=115,5:red px=115,95:lime
/i/flip=h/quad-100x120.png              200 png 100x120 px=5,5:lime px=95,5:red
/i/flip=v/quad-100x120.png              200 png 100x120 px=5,5:blue px=95,5:yellow
/i/flip=hv/quad-100x120.png             200 png 100x120 px=5,5:yellow
# mirrored first
/i/flip=h,rotate=90/quad-100x120.png    200 png 120x100 px=5,5:yellow px=115,5:lime
/i/blur=5/photo-300x200.png             200 png 300x200 psnr<28:photo-300x200.png
/i/sharpen=100/photo-300x200.png        200 png 300x200 psnr<40:photo-300x200.png
/i/brightness=0.5/quad-100x120.png      200 px=5,5:#800000~1
/i/contrast=0.5/quad-100x120.png        200 px=5,5:#bf4040~1
/i/saturation=0/quad-100x120.png        200 px=5,5:#363636~1
/i/hue=120/quad-100x120.png             200 px=5,5:#007100~2
/i/gamma=2/flat-300x200.png             200 px=5,5:#b5b5b5~1
/i/grayscale=on/photo-300x200.jpg       200 jpeg components=1
/i/trim=0/flat-300x200.png              200 png 300x200
/i/metadata=keep,w=50/photo-300x200-meta.jpg 200 jpeg exif=any
/i/metadata=strip,w=50/photo-300x200-meta.jpg 200 jpeg exif=none
# nothing said: nothing done
/i/,/quad-100x120.png                   200 same=quad-100x120.png


=== TEST 2: separators, order, empty values, encoding
--- config
    location /a/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=* height=* background=* format=* fit=*;
    }
    location /q/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize resize 40 -;
        image_resize_params "w=$arg_w&h=$arg_h";
        image_resize_allow width=* height=*;
    }
--- rows
/a/quad-100x120.png?w=50&h=20           200 png 16x20
/a/quad-100x120.png?w=50,h=20           200 again
/a/quad-100x120.png?w=50/h=20           200 again
/a/quad-100x120.png?&w=50,,h=20/        200 again
# the last one counts
/a/quad-100x120.png?w=99&w=50&h=20      200 again
/a/quad-100x120.png?%77=%350&h=20       200 again
/a/quad-100x120.png?w=300&h=130&fit=pad&background=%23ff00ff 200 png 300x130 px=5,5:fuchsia
/a/quad-100x120.png?w=300&h=130&fit=pad&background=rgb(255%2C0%2C255) 200 again
/a/quad-100x120.png?w=                  200 same=quad-100x120.png
/a/quad-100x120.png                     200 same=quad-100x120.png
/a/quad-100x120.png?w=50%2Ch=20         400 log=info:bad_params:50,h=20
/a/quad-100x120.png?w=%                 400
/a/quad-100x120.png?w=%ff               400
/a/quad-100x120.png?w=%2550             400
# what the URL leaves open is the location's
/q/quad-100x120.png                     200 png 40x48
/q/quad-100x120.png?w=20                200 png 20x24
/q/quad-100x120.png?h=12                200 png 10x12


=== TEST 3: an unknown name or a bad value is 400, with the reason
--- config
    location /a/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=* height=* quality=* preset=*;
        add_header X-Error $image_resize_error always;
        add_header X-Status $image_resize_status always;
    }
    location /e/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=*;
        error_page 400 = @why;
    }
    location @why { return 422 "why: $image_resize_error"; }
--- rows
/a/quad-100x120.png?colour=red  400 X-Error=bad_params X-Status=error log=info:bad_params:colour
/a/quad-100x120.png?w=0         400 X-Error=bad_params log=info:bad_params:valid
/a/quad-100x120.png?w=-5        400
/a/quad-100x120.png?w=1.5       400
/a/quad-100x120.png?w=99999999999 400
/a/quad-100x120.png?q=0         400
/a/quad-100x120.png?w           400 log=info:value
/a/quad-100x120.png?W=5         400
/a/quad-100x120.png?p=none      400 log=info:preset
/a/quad-100x120.png?w=50&x=     400
HEAD /a/quad-100x120.png?w=0    400 empty
/a/quad-100x120.png?w=50        200 png 50x60 X-Status=transformed
# nothing of what was sent breaks a line of the log
/a/quad-100x120.png?w=%0a1      400 log=info:bad_params
# before the source is asked for
/a/absent.png?w=0               400
/a/absent.png?w=5               404
/e/quad-100x120.png?w=x         422 body=why:%20bad_params
# a limit is no matter of parameters
/a/quad-100x120.png?w=50&h=50   200 png 41x50


=== TEST 4: image_resize_allow
--- config
    location /a/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=20,30,40-60 h=- format=jpeg,webp dpr=1-2;
        add_header X-Error $image_resize_error always;
        location /a/b/ { alias $TEST_NGINX_FIXTURES/; }
        location /a/c/ { image_resize_allow height=30; alias $TEST_NGINX_FIXTURES/; }
    }
--- rows
/a/quad-100x120.png?w=20        200 png 20x24
/a/quad-100x120.png?w=30        200 png 30x36
/a/quad-100x120.png?w=40        200 png 40x48
/a/quad-100x120.png?width=60    200 png 60x72
/a/quad-100x120.png?w=60&h=-    200 again
/a/quad-100x120.png?w=30&dpr=2  200 again
/a/quad-100x120.png?w=30&dpr=1.33 200 png 40x48
/a/quad-100x120.png?w=20&f=jpg  200 jpeg 20x24
/a/quad-100x120.png?w=21        403 X-Error=bad_params log=info:allowed:width
/a/quad-100x120.png?w=39        403
/a/quad-100x120.png?w=61        403
/a/quad-100x120.png?w=21&w=20   403
/a/quad-100x120.png?h=30        403 log=info:height
/a/quad-100x120.png?w=20&dpr=2.01 403
/a/quad-100x120.png?f=png       403
/a/quad-100x120.png?q=50        403 log=info:quality
/a/quad-100x120.png?p=thumb     403
/a/quad-100x120.png?w=x         400
/a/b/quad-100x120.png?w=30      200 png 30x36
/a/b/quad-100x120.png?h=30      403
/a/c/quad-100x120.png?w=30      403
/a/c/quad-100x120.png?h=30      200 png 25x30


=== TEST 5: image_resize_preset, and nothing else without image_resize_allow
--- http_config
    image_resize_preset thumb  "width=30,height=30,fit=cover";
    image_resize_preset webp   "format=webp";
    image_resize_preset banner "w=120/h=40/fit=crop/g=north";
--- config
    location /a/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
    }
    location /b/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow preset=thumb width=*;
    }
    location /fixed/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params preset=thumb;
    }
    location ~ ^/c/(?<name>\w+)/(?<file>.*)$ {
        alias $TEST_NGINX_FIXTURES/$file;
        image_resize_params "preset=$name";
    }
--- rows
/a/quad-100x120.png?preset=thumb    200 png 30x30
/a/quad-100x120.png?p=thumb         200 again
/fixed/quad-100x120.png             200 again
/c/thumb/quad-100x120.png           200 again
/a/quad-100x120.png?p=thumb&p=webp  200 webp 30x30
/a/quad-100x120.png?p=banner        200 png 100x40 px=5,35:red
/a/quad-100x120.png                 200 same=quad-100x120.png
/a/quad-100x120.png?p=other         400
/c/other/quad-100x120.png           400
/a/quad-100x120.png?w=30            403 log=info:presets
/a/quad-100x120.png?p=thumb&w=30    403
/b/quad-100x120.png?p=thumb         200 png 30x30
/b/quad-100x120.png?p=thumb&w=20    200 png 20x30
/b/quad-100x120.png?p=banner        403


=== TEST 6: params override the directives of their location, and need no mode of their own
--- config
    location /a/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize crop 60 60 gravity=east;
        image_resize_jpeg_quality 90;
        image_resize_params $args;
        image_resize_allow width=* height=* quality=* gravity=* fit=* format=*;
    }
    location /off/  { alias $TEST_NGINX_FIXTURES/; image_resize off;  image_resize_params $args; }
    location /test/ { alias $TEST_NGINX_FIXTURES/; image_resize test; image_resize_params $args; }
    location /size/ { alias $TEST_NGINX_FIXTURES/; image_resize size; image_resize_params $args; }
--- rows
/a/photo-300x200.jpg                200 jpeg 60x60 q=90
/a/photo-300x200.jpg?q=50           200 jpeg 60x60 q=50
/a/photo-300x200.jpg?w=30           200 jpeg 30x60 q=90
/a/photo-300x200.jpg?fit=stretch    200 jpeg 60x60 q=90
/a/photo-300x200.jpg?f=webp         200 webp 60x60 etag=weak
/a/photo-300x200.jpg?f=webp [If-None-Match: $etag] 304 empty
/a/photo-300x200.jpg?f=webp&w=10    200 webp 10x60 etag=other
# where no image is made, no parameters are looked at
/off/quad-100x120.png?x=y           200 same=quad-100x120.png
/test/quad-100x120.png?x=y          200 same=quad-100x120.png
/size/quad-100x120.png?x=y          200 Content-Type=application/json


=== TEST 7: who may not see it does not learn what is wrong with it
--- config
    location /a/ {
        alias $TEST_NGINX_FIXTURES/;
        deny all;
        image_resize_params $args;
    }
    location /limit/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize_params $args;
        image_resize_allow width=* height=* fit=*;
        image_resize_limit output_pixels=1000;
    }
--- rows
/a/quad-100x120.png?w=0         403 log=error:forbidden
/limit/quad-100x120.png?w=30&h=33&fit=stretch 200 png 30x33
/limit/quad-100x120.png?w=4000000000&h=4000000000&fit=stretch 415 log=info:too_many_pixels
/limit/quad-100x120.png?w=4000000000&fit=cover 415


=== TEST 8: whatever a URL says, no size beyond what is allowed, no 500, no dead worker
--- http_config
    image_resize_preset small "w=5,h=5,fit=pad";
    image_resize_preset large "w=300,h=300,fit=cover";
--- config
    location /f/ {
        alias $TEST_NGINX_FIXTURES/;
        image_resize resize 20 -;
        image_resize_params $args;
        image_resize_allow width=10,20,30-40 height=8-16 fit=* dpr=1-2 enlarge=* rotate=* gravity=*
                           preset=small trim=* flip=* blur=0-3;
        image_resize_limit output_pixels=3000;
        add_header X-Image $image_resize_status always;
    }
--- script eval
sub {
    my $name = shift;
    fixture($_) for my @files = qw(quad-20x24.png quad-60x3.gif quad-3x60.png quad-1x1.png);
    my $seed = 20240607;
    my $rnd = sub { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return ($seed >> 8) % $_[0] };
    my @names = qw(w w h h width height fit fit dpr enlarge rotate g p trim flip blur q W colour);
    my @words = qw(scale-down contain cover crop pad stretch on off - 90 270 h hv small large 0.5:0.2
                   smart north 1.5 2 10 20 35 40 12 16 % %zz %00 %ff 4294967295 99999999999 -1 0 1e9
                   %2C .. <script> ' \\ $args {} 0x10 north:south 1:1:1);
    my $c = client(timeout => 20);
    my (%seen, @bad);
    for my $i (1 .. 1500) {
        my @items;
        for (1 .. 1 + $rnd->(4)) {
            my $value = $rnd->(3) ? $words[$rnd->(scalar @words)] : $rnd->(60);
            push @items, $names[$rnd->(scalar @names)] . ($rnd->(30) ? "=$value" : '');
        }
        my $args = join ['&', ',', '/']->[$rnd->(3)], @items;
        my $file = $files[$rnd->(scalar @files)];
        my $r = $c->get("/f/$file?$args");
        $seen{$r->{status}}++;
        push @bad, "$args: $r->{error}" if $r->{error};
        next if $r->{status} =~ /^(?:400|403|415)$/;
        if ($r->{status} ne '200') { push @bad, "$args: $r->{status}"; next }
        my $image = inspect($r->{body});
        my ($w, $h) = @$image{qw(width height)};
        # 40 wide at most, times 2; a free side is that of the source, which is 60 at most,
        # or its proportions enlarged, which the limit bounds
        push @bad, "$file $args: ${w}x$h" if $w * $h > 3000 || ($w > 80 && $h > 80);
    }
    Test::More::is_deeply(\@bad, [], "$name - nothing beyond");
    Test::More::cmp_ok($seen{$_} || 0, '>', 20, "$name - some are $_") for 200, 400, 403;
    my @log = grep { /signal|panicked|\[(?:alert|crit|emerg)\]/ } error_lines();
    Test::More::is_deeply(\@log, [], "$name - a quiet log");
}
