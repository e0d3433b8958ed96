# EXIF orientation: applied and cleared, or left alone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

# Displayed, every source is 100x120: red, lime / blue, yellow.
my %layout = (
    # what the stored pixels look like when nobody turns them
    1 => [100, 120, 'red', 'lime', 'blue', 'yellow'],
    2 => [100, 120, 'lime', 'red', 'yellow', 'blue'],
    3 => [100, 120, 'yellow', 'blue', 'lime', 'red'],
    4 => [100, 120, 'blue', 'yellow', 'red', 'lime'],
    5 => [120, 100, 'red', 'blue', 'lime', 'yellow'],
    6 => [120, 100, 'lime', 'yellow', 'red', 'blue'],
    7 => [120, 100, 'yellow', 'lime', 'blue', 'red'],
    8 => [120, 100, 'blue', 'red', 'yellow', 'lime'],
);

sub corners {
    my ($w, $h, $tl, $tr, $bl, $br) = @_;
    my ($x, $y) = ($w - 5, $h - 5);
    return "px=4,4:$tl px=$x,4:$tr px=4,$y:$bl px=$x,$y:$br";
}

my @upright = qw(red lime blue yellow);
my ($on, $off, $asis) = ('', '', '');
for my $n (1 .. 8) {
    for my $ext (qw(jpg png webp)) {
        my $file = "quad-100x120-exif$n.$ext";
        my $f = $ext eq 'jpg' ? 'jpeg' : $ext;
        # W and H are of the displayed picture
        $on .= "/50/-/$file 200 $f 50x60 upright " . corners(50, 60, @upright) . "\n";
        $on .= "/-/30/$file 200 $f 25x30 upright " . corners(25, 30, @upright) . "\n";
        my ($w, $h, @c) = @{ $layout{$n} };
        my ($rw, $rh) = $w < $h ? (50, 60) : (50, 41);
        $off .= "/50/-/$file 200 $f ${rw}x$rh " . corners($rw, $rh, @c) . "\n";
    }
    # turning is a change of pixels; nothing to turn is none
    my $f = "quad-100x120-exif$n.jpg";
    $asis .= $n == 1 ? "/on/$f 200 jpeg 100x120 upright\n"
                     : "/on/$f 200 jpeg 100x120 upright etag=weak " . corners(100, 120, @upright) . "\n";
    # no pixel changes, but what would have other programs turn it goes, as it does at other sizes
    my ($w, $h, @c) = @{ $layout{$n} };
    $asis .= "/off/$f 200 jpeg ${w}x$h upright etag=weak " . corners($w, $h, @c) . "\n";
}

plan 'no_plan';

spec_with(\*DATA, ON => $on, OFF => $off, ASIS => $asis);

run_tests();

__DATA__

=== TEST 1: on is the default: turned, and the tag cleared
--- config
    location ~ ^/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
%ON%


=== TEST 2: off: pixels as stored, W and H of the stored picture
--- config
    location ~ ^/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h;
        image_resize_orient off;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- rows
%OFF%


=== TEST 3: what already fits is turned nevertheless
--- config
    location /on/  { image_resize resize 100 120; alias $TEST_NGINX_FIXTURES/; }
    location /off/ { image_resize resize 200 200; image_resize_orient off; alias $TEST_NGINX_FIXTURES/; }
--- rows
%ASIS%


=== TEST 4: crop, rotation and conversion of turned pictures
--- config
    location ~ ^/crop/(?<w>[^/]*)/(?<h>[^/]*)/(?<f>.+)$ {
        image_resize crop $w $h;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/rotate/(?<a>[^/]*)/(?<f>.+)$ {
        image_resize rotate $a;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location /png/ {
        image_resize convert;
        image_resize_format png;
        image_resize_sharpen 1;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
# a third from the top left in a square: the scale is of the displayed picture
/crop/60/60/quad-100x120-exif6.jpg      200 jpeg 60x60 px=4,4:red px=55,4:lime px=4,55:blue px=55,55:yellow
/crop/100/50/quad-100x120-exif8.jpg     200 jpeg 100x50 px=4,4:red px=95,4:lime px=4,45:blue px=95,45:yellow
/crop/50/120/quad-100x120-exif5.jpg     200 jpeg 50x120 px=4,4:red px=45,4:lime px=4,115:blue px=45,115:yellow
/rotate/90/quad-100x120-exif6.jpg       200 jpeg 120x100 upright px=5,5:lime px=115,5:yellow px=5,95:red px=115,95:blue
/rotate/180/quad-100x120-exif3.jpg      200 jpeg 100x120 upright px=5,5:yellow px=95,5:blue px=5,115:lime px=95,115:red
/rotate/270/quad-100x120-exif7.jpg      200 jpeg 120x100 upright px=5,5:blue px=115,5:red px=5,95:yellow px=115,95:lime
/png/quad-100x120-exif6.jpg             200 png 100x120 px=5,5:red px=95,5:lime px=5,115:blue px=95,115:yellow


=== TEST 5: a photo, turned and scaled, is the photo
--- config
    location / { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200-exif2.jpg        200 jpeg 150x100 upright psnr>28:photo-300x200.jpg
/photo-300x200-exif3.jpg        200 jpeg 150x100 upright psnr>28:photo-300x200.jpg
/photo-300x200-exif5.jpg        200 jpeg 150x100 upright psnr>28:photo-300x200.jpg
/photo-300x200-exif6.jpg        200 jpeg 150x100 upright psnr>28:photo-300x200.jpg
/photo-300x200-exif8.jpg        200 jpeg 150x100 upright psnr>28:photo-300x200.jpg
/photo-600x400-exif6-progressive.jpg 200 jpeg 150x100 upright psnr>28:photo-600x400.jpg


=== TEST 6: size says the stored or the displayed dimensions, one of them for all modes
--- config
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /off/  { image_resize size; image_resize_orient off; alias $TEST_NGINX_FIXTURES/; }
--- rows
/off/quad-100x120-exif6.jpg     200 body={%20"img"%20:%20{%20"width":%20120,%20"height":%20100,%20"type":%20"jpeg"%20}%20}%0d%0a
/size/quad-100x120-exif3.jpg    200 body={%20"img"%20:%20{%20"width":%20100,%20"height":%20120,%20"type":%20"jpeg"%20}%20}%0d%0a


=== TEST 7: orientations that don't exist are none
--- user_files eval
my $jpeg = fixture('quad-100x120.jpg');
[ map { [ "o$_.jpg", ImageGate::Fixtures::jpeg_insert($jpeg, 0xe1, "Exif\0\0" . ImageGate::Fixtures::exif_orientation($_)) ] } 0, 9, 255, 65535 ]
--- config
    location / { image_resize resize 50 -; root $TEST_NGINX_HTML_DIR; }
--- rows
/o0.jpg         200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue
/o9.jpg         200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue
/o255.jpg       200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue
/o65535.jpg     200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue


=== TEST 8: broken EXIF data hurt nobody
--- user_files eval
my $jpeg = fixture('quad-100x120.jpg');
my $ok = ImageGate::Fixtures::exif_orientation(6);
my %bad = (
    short   => 'II*',
    far     => "II*\0" . pack('V', 0x7fffffff),
    loop    => "II*\0" . pack('V', 8) . pack('v', 0) . pack('V', 8),
    many    => "II*\0" . pack('V', 8) . pack('v', 65535) . substr($ok, 10),
    order   => "XX*\0" . substr($ok, 4),
    empty   => '',
    type    => "II*\0" . pack('V', 8) . pack('v', 1) . pack('vvVV', 0x0112, 2, 1000000, 0xffffff00) . pack('V', 0),
);
[ map { [ "$_.jpg", ImageGate::Fixtures::jpeg_insert($jpeg, 0xe1, "Exif\0\0$bad{$_}") ] } sort keys %bad ]
--- config
    location / { image_resize resize 50 -; root $TEST_NGINX_HTML_DIR; }
--- rows
/short.jpg      200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue
/far.jpg        200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue
/loop.jpg       200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue
/order.jpg      200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue
/empty.jpg      200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue
/type.jpg       200 jpeg 50x60 px=5,5:red px=45,5:lime px=5,55:blue


=== TEST 9: orientation in big-endian EXIF data
--- user_files eval
my $jpeg = fixture('quad-120x100.jpg');
my $tiff = "MM\0*" . pack('N', 8) . pack('n', 1) . pack('nnNnn', 0x0112, 3, 1, 6, 0) . pack('N', 0);
[ [ 'mm.jpg', ImageGate::Fixtures::jpeg_insert($jpeg, 0xe1, "Exif\0\0$tiff") ] ]
--- config
    location / { image_resize resize 50 -; root $TEST_NGINX_HTML_DIR; }
--- rows
# stored red, lime / blue, yellow; turned clockwise blue, red / yellow, lime
/mm.jpg         200 jpeg 50x60 upright px=5,5:blue px=45,5:red px=5,55:yellow px=45,55:lime
