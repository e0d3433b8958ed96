# image_resize_watermark: where marks go, when there is none, files that change.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

start_upstream();

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: pictures, as ImageMagick lays them on
--- config
    image_resize_format png;
    location /corner/ {
        image_resize resize 150 -;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-24x20-alpha.png position=southeast offset=6,4;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /middle/ {
        image_resize resize 150 -;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-24x20-alpha.png opacity=0.5;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /third/ {
        image_resize resize 150 -;
        image_resize_watermark $TEST_NGINX_FIXTURES/photo-300x200.jpg scale=50% position=west;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /two/ {
        image_resize resize 150 -;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-24x20.png position=northwest;
        image_resize_watermark $TEST_NGINX_FIXTURES/flat-20x20.png position=northwest offset=8,8;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /tile/ {
        image_resize resize 150 -;
        image_resize_watermark $TEST_NGINX_FIXTURES/flat-20x20.png position=northwest offset=30,30 tile=on;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /turn/ {
        image_resize resize 150 -;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-20x40.png position=northwest rotate=90;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/corner/photo-300x200.png   200 png 150x100 psnr>36:photo-300x200.png,resize:150x100,mark:quad-24x20-alpha.png+120+76 psnr<30:photo-300x200.png
/middle/photo-300x200.png   200 png 150x100 psnr>36:photo-300x200.png,resize:150x100,mark:quad-24x20-alpha.png+63+40@50 psnr<33:photo-300x200.png
/third/photo-300x200.png    200 png 150x100 psnr>36:photo-300x200.png,resize:150x100,mark:photo-300x200.jpg+0+25/75x50 psnr<30:photo-300x200.png
/two/photo-300x200.png      200 png 150x100 psnr>36:photo-300x200.png,resize:150x100,mark:quad-24x20.png+0+0,mark:flat-20x20.png+8+8
/tile/flat-300x200.png      200 png 150x100
/tile/photo-300x200.png     200 png 150x100 px=10,10:#808080 px=60,10:#808080 px=110,60:#808080 px=149,60:any psnr>36:photo-300x200.png,resize:150x100,mark:flat-20x20.png+0+0,mark:flat-20x20.png+50+0,mark:flat-20x20.png+100+0,mark:flat-20x20.png+0+50,mark:flat-20x20.png+50+50,mark:flat-20x20.png+100+50
# red/lime over blue/yellow, turned to the left
/turn/photo-300x200.png     200 png 150x100 px=5,5:lime px=5,15:red px=35,5:yellow px=35,15:blue


=== TEST 2: onto every format, and never the original
--- config
    location / {
        image_resize resize 1000 1000;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-40x40.png;
        alias $TEST_NGINX_FIXTURES/;
        add_header X-Status $image_resize_status;
    }
    location /convert/ {
        image_resize convert;
        image_resize_format webp;
        image_resize_webp_quality 100;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-40x40.png;
        alias $TEST_NGINX_FIXTURES/;
        add_header X-Status $image_resize_status;
    }
    location /none/ { image_resize resize 1000 1000; alias $TEST_NGINX_FIXTURES/; }
--- rows
/none/photo-300x200.jpg         200 same=photo-300x200.jpg
/photo-300x200.jpg              200 jpeg 300x200 px=135,85:red~40 px=165,115:yellow~40 X-Status=transformed
/photo-300x200-gray.jpg         200 jpeg 300x200 px=135,85:red~40 components=3
/photo-300x200-cmyk.jpg         200 jpeg 300x200 px=135,85:red~40
/photo-300x200.png              200 png 300x200 px=135,85:red px=165,115:yellow
/photo-300x200-palette.png      200 png 300x200 px=135,85:red~40
/quad-300x200-trns.gif          200 gif 300x200 px=135,85:red~40 px=10,10:none
/quad-300x200-alpha.png         200 png 300x200 px=135,85:red px=10,10:none
/photo-300x200.webp             200 webp 300x200 px=135,85:red~60
# a larger result goes out all the same
/convert/photo-300x200-q30.jpg  200 webp 300x200 px=135,85:red~60 X-Status=transformed
# what is no transformation is none with a mark either
HEAD /photo-300x200.jpg         200 empty X-Status=transformed
/missing.jpg                    404
/text.txt                       415


=== TEST 3: variables
--- http_config
    map $arg_key $mark {
        default  $TEST_NGINX_FIXTURES/quad-40x40.png;
        none     "";
        off      off;
        other    $TEST_NGINX_FIXTURES/flat-40x40.png;
        missing  $TEST_NGINX_FIXTURES/no-such.png;
        broken   $TEST_NGINX_FIXTURES/trunc_quad-300x200.png;
        text     $TEST_NGINX_FIXTURES/text.txt;
    }
--- config
    location / {
        image_resize resize 1000 1000;
        image_resize_watermark $mark position=$arg_position offset=$arg_x,$arg_y opacity=$arg_opacity scale=$arg_scale rotate=$arg_rotate tile=$arg_tile;
        add_header X-Error $image_resize_error always;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /file/ {
        image_resize resize 1000 1000;
        image_resize_watermark $TEST_NGINX_FIXTURES/$arg_file;
        add_header X-Error $image_resize_error always;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /any/ {
        image_resize resize 1000 1000;
        image_resize_watermark $arg_mark;
        add_header X-Error $image_resize_error always;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
# trunc_quad-300x200.png text.txt flat-40x40.png
/flat-300x200.png?x=0&y=0                               200 png px=135,85:red px=165,115:yellow
/flat-300x200.png?key=none&x=0&y=0                      200 same=flat-300x200.png etag=strong
/flat-300x200.png?key=off&x=0&y=0                       200 same=flat-300x200.png etag=strong
/flat-300x200.png?key=other&x=0&y=0                     200 png px=135,85:#808080
/flat-300x200.png?x=5&y=7&position=northwest            200 png px=6,8:red px=43,45:yellow px=4,8:#808080
/flat-300x200.png?x=0&y=0&position=southeast&scale=50%  200 png px=205,105:red px=295,195:yellow
/flat-300x200.png?x=0&y=0&opacity=0.5                   200 png px=135,85:#c04040
/flat-300x200.png?x=0&y=0&rotate=180                    200 png px=135,85:yellow px=165,115:red
/flat-300x200.png?x=0&y=0&tile=on&position=northwest    200 png px=5,5:red px=45,45:red px=295,195:blue
/flat-300x200.png?x=0&y=0&position=middle               415 X-Error=bad_params
/flat-300x200.png?x=0&y=z                               415 X-Error=bad_params
/flat-300x200.png?x=0&y=0&opacity=2                     415 X-Error=bad_params
/flat-300x200.png?x=0&y=0&scale=0                       415 X-Error=bad_params
/flat-300x200.png?x=0&y=0&rotate=x                      415 X-Error=bad_params
/flat-300x200.png?x=0&y=0&tile=maybe                    415 X-Error=bad_params
/flat-300x200.png?x=0&y=0&key=missing                   415 X-Error=watermark_failed log=error:watermark_failed:no-such.png
/flat-300x200.png?x=0&y=0&key=broken                    415 X-Error=watermark_failed log=info:watermark_failed:trunc_quad-300x200.png
/flat-300x200.png?x=0&y=0&key=text                      415 X-Error=watermark_failed log=info:watermark_failed:text.txt
/file/flat-300x200.png?file=quad-40x40.png              200 png px=135,85:red
/file/flat-300x200.png?file=../../../etc/passwd         415 X-Error=bad_params
/file/flat-300x200.png?file=.                           415 X-Error=watermark_failed
/any/flat-300x200.png?mark=/etc/passwd                  415 X-Error=bad_params
/any/flat-300x200.png?mark=none/../passwd               415 X-Error=bad_params
/any/flat-300x200.png?mark=nginx.conf                   415 X-Error=watermark_failed
/any/flat-300x200.png                                   200 same=flat-300x200.png


=== TEST 4: all of a level's, or all of the level's above
--- http_config
    image_resize_watermark $TEST_NGINX_FIXTURES/quad-40x40.png position=northwest;
    image_resize_watermark $TEST_NGINX_FIXTURES/quad-40x40.png position=southeast;
--- config
    location /inherits/ { image_resize resize 1000 1000; alias $TEST_NGINX_FIXTURES/; }
    location /own/ {
        image_resize resize 1000 1000;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-40x40.png;
        alias $TEST_NGINX_FIXTURES/;
        location /own/child/ { alias $TEST_NGINX_FIXTURES/; }
        location /own/off/ { image_resize_watermark off; alias $TEST_NGINX_FIXTURES/; }
    }
--- rows
/inherits/flat-300x200.png      200 png px=5,5:red px=295,195:yellow px=150,90:#808080
/own/flat-300x200.png           200 png px=5,5:#808080 px=295,195:#808080 px=135,85:red
/own/child/flat-300x200.png     200 png px=5,5:#808080 px=295,195:#808080 px=135,85:red
/own/off/flat-300x200.png       200 same=flat-300x200.png


=== TEST 5: a file that changes is read again, and tags say so
--- config
    location / {
        image_resize resize 1000 1000;
        image_resize_watermark ../html/$arg_file.png;
        add_header X-Error $image_resize_error always;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /fixed/ {
        image_resize resize 1000 1000;
        image_resize_watermark ../html/fixed.png;
        alias $TEST_NGINX_FIXTURES/;
    }
--- user_files eval
">>> fixed.png\n" . ImageGate::fixture('quad-40x40.png')
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    my $html = "$ENV{TEST_NGINX_SERVER_ROOT}/html";
    my $put = sub {
        my ($to, $from) = @_;
        open my $out, '>', "$html/new" or die "open: $!";
        binmode $out;
        print $out fixture($from);
        close $out;
        rename "$html/new", "$html/$to" or die "rename: $!";
    };
    my $c = client();

    my $get = sub { $c->get("/fixed/photo-300x200.jpg", @_) };
    $put->('fixed.png', 'quad-40x40.png');
    my $first = $get->();
    my @bad = ImageGate::check_image($first->{body}, 'jpeg 300x200 px=135,85:red~40');
    Test::More::ok(!@bad, "$name - the mark") or Test::More::diag(@bad);
    my $same = $get->('If-None-Match' => $first->{h}{etag});
    Test::More::is($same->{status}, 304, "$name - its tag");

    $put->('fixed.png', 'flat-40x40.png');
    my $second;
    wait_for(10, sub { $second = $get->(); $second->{h}{etag} ne $first->{h}{etag} });
    @bad = ImageGate::check_image($second->{body}, 'jpeg 300x200 px=135,85:#808080~20');
    Test::More::ok(!@bad, "$name - another mark") or Test::More::diag(@bad);
    Test::More::is($get->('If-None-Match' => $first->{h}{etag})->{status}, 200, "$name - the old tag is old");

    my $later = sub { $c->get('/photo-300x200.jpg?file=later') };
    my $before = $later->();
    Test::More::is("$before->{status} $before->{h}{'x-error'}", '415 watermark_failed', "$name - not there yet");
    $put->('later.png', 'quad-40x40.png');
    Test::More::ok(wait_for(10, sub { $later->()->{status} == 200 }), "$name - now there");
    unlink "$html/later.png";
    Test::More::ok(wait_for(10, sub { $later->()->{status} == 415 }), "$name - gone again");
}


=== TEST 6: texts
--- http_config
    map $arg_text $words {
        default $arg_text;
        block   "██";
    }
    map $arg_font $font_asked { default $arg_font; }
--- config
    image_resize_format png;
    location / {
        image_resize resize 1000 1000;
        image_resize_watermark "text=$words" font=/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf size=40 color=red position=northwest;
        add_header X-Status $image_resize_status;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /host/ {
        image_resize resize 1000 1000;
        image_resize_watermark "text=for $host" font=$font_asked size=$arg_size color=$arg_color;
        add_header X-Error $image_resize_error always;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /scaled/ {
        image_resize resize 1000 1000;
        image_resize_watermark "text=two words" font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf scale=1;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
# a full block fills its place in the font; nothing is there without a text
/flat-300x200.png?text=block                 200 png 300x200 px=10,20:red px=40,20:red px=100,20:#808080 px=10,60:#808080 X-Status=transformed
/flat-300x200.png?text=                     200 same=flat-300x200.png X-Status=original
/flat-300x200.png                           200 same=flat-300x200.png etag=strong
/flat-300x200.png?text=a                    200 png etag=weak
/flat-300x200.png?text=b                    200 png etag=other changed
/flat-300x200.png?text=b                    200 png etag=same again
/flat-300x200.png?text=%FF%FE               200 png psnr<40:flat-300x200.png
/host/flat-300x200.png?font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf&size=30&color=blue   200 png psnr<30:flat-300x200.png
/host/flat-300x200.png?font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf&size=12&color=blue   200 png psnr<36:flat-300x200.png psnr>18:flat-300x200.png changed
/host/flat-300x200.png?font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf&size=x&color=blue    415 X-Error=bad_params
/host/flat-300x200.png?font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf&size=12&color=blau   415 X-Error=bad_params
/host/flat-300x200.png?font=/no/such.ttf&size=12&color=blue                                      415 X-Error=watermark_failed
/host/flat-300x200.png?font=/etc/hostname&size=12&color=blue                                     415 X-Error=watermark_failed
/host/flat-300x200.png?size=12&color=blue                                                        415 X-Error=bad_params
# what is empty is the default
/host/flat-300x200.png?font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf&size=24&color=white  200 png
/host/flat-300x200.png?font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf                      200 again
/scaled/flat-300x200.png                    200 png psnr<20:flat-300x200.png


=== TEST 7: a mark that is no image is a configuration error
--- config
    location / { image_resize convert; image_resize_watermark $TEST_NGINX_FIXTURES/text.txt; }
--- must_die
--- error_log eval
qr/\[emerg\].*"image_resize_watermark" directive.*text\.txt": not an image in/
--- suppress_stderr


=== TEST 8: so is a broken one
--- config
    location / { image_resize convert; image_resize_watermark $TEST_NGINX_FIXTURES/trunc_quad-300x200.png; }
--- must_die
--- error_log eval
qr/\[emerg\].*"image_resize_watermark" directive.*trunc_quad-300x200\.png": decoding failed/
--- suppress_stderr


=== TEST 9: at most eight layers
--- config
    location / {
        image_resize convert;
        set $m "";
        image_resize_watermark $m; image_resize_watermark $m; image_resize_watermark $m;
        image_resize_watermark $m; image_resize_watermark $m; image_resize_watermark $m;
        image_resize_watermark $m; image_resize_watermark $m; image_resize_watermark $m;
    }
--- must_die
--- error_log eval
qr/\[emerg\].*"image_resize_watermark" directive.*more than 8 layers/
--- suppress_stderr


=== TEST 10: URLs may say whether there is a mark
--- config
    location / {
        image_resize convert;
        image_resize_watermark $TEST_NGINX_FIXTURES/flat-20x20.png position=northwest;
        image_resize_params $args;
        image_resize_allow watermark=* format=png;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/quad-100x120.png                   200 png 100x120 px=5,5:#808080
/quad-100x120.png?watermark=on      200 png 100x120 px=5,5:#808080 etag=weak
/quad-100x120.png?watermark=off     200 same=quad-100x120.png etag=strong
/quad-100x120.gif?watermark=off,f=png 200 png 100x120 px=5,5:red etag=weak
/quad-100x120.png?watermark=no      400
