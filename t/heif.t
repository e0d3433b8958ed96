# HEIC of heif-enc, as heif-convert shows it; what becomes of it where nothing is asked for; and what is made of
# files that are cut or hostile, or where libheif is missing.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

my $folder = ImageGate::Fixtures::fixtures_by('heifs');

# What has other chroma is interpolated here, and repeated there.
my %least = (half => 38, odd => 38, alpha => 38);
my $rows = '';
for my $name (qw(half whole deep odd alpha grid)) {
    my $least = $least{$name} || 42;
    my $size = $name eq 'odd' ? '197x131' : '256x192';
    $rows .= "/$name.heic 200 png $size psnr>$least:heifs/$name.png !X-Damaged X-Source=heic:" . $size =~ tr/x/:/r . " log=none\n";
}

plan 'no_plan';

# The program looks for the library where this says first.
my $program = ($ENV{TEST_NGINX_IMAGE_GATE_BUILD} || "$FindBin::Bin/../build") . '/image-gate';
my $without = File::Temp::tempdir('image-gate-heif-XXXXXX', TMPDIR => 1, CLEANUP => 1);
open my $out, '>', "$without/libheif.so.1" or die $!;
close $out or die $!;
my $said = `LD_LIBRARY_PATH=$without $program info $folder/whole.heic 2>&1`;
Test::More::like($said, qr/unsupported format: HEIC, for libheif\.so\.1 can't be opened: .*too short/, 'without libheif');
$said = `$program info $folder/whole.heic 2>&1`;
Test::More::like($said, qr/"type": "heic"/, 'with libheif');

spec_with(\*DATA, ROWS => $rows);

run_tests();

__DATA__

=== TEST 1: as libheif shows them
--- config
    location / {
        image_resize convert;
        image_resize_format png;
        add_header X-Source $image_resize_source_format:$image_resize_source_width:$image_resize_source_height;
        add_header X-Damaged $image_resize_damaged;
        alias $TEST_NGINX_FIXTURES/heifs/;
    }
    location /small/ { image_resize resize 40 -; image_resize_format png; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /stored/ { image_resize convert; image_resize_format png; image_resize_orient off; alias $TEST_NGINX_FIXTURES/heifs/; }
--- timeout: 60
--- rows
%ROWS%
/turned.heic            200 png 192x256 psnr>42:heifs/grid.png,rotate:90
/stored/turned.heic     200 png 256x192 psnr>42:heifs/grid.png
/small/grid.heic        200 png 40x30 psnr>38:heifs/grid.png,resize:40x30!


=== TEST 2: what becomes of it where nothing is asked for, and the other modes
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 40 -; add_header X-Format $image_resize_format; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /auto/ { image_resize resize 40 -; image_resize_format auto; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /info/ { image_resize info; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /no/ { image_resize convert; image_resize_format $arg_f; alias $TEST_NGINX_FIXTURES/heifs/; }
--- rows
/half.heic              200 jpeg 40x30 Content-Type=image/jpeg X-Format=jpeg etag=weak
/alpha.heic             200 png 40x30 alpha Content-Type=image/png
/auto/half.heic [Accept: image/webp] 200 webp 40x30
/test/half.heic         200 same=heifs/half.heic Content-Type=image/heic etag=strong
/size/turned.heic       200 body={%20"img"%20:%20{%20"width":%20192,%20"height":%20256,%20"type":%20"heic"%20}%20}%0d%0a
/info/deep.heic         200 Content-Type=application/json
/no/half.heic?f=heic    415


=== TEST 3: off, for all modes
--- config
    add_header X-Error $image_resize_error always;
    image_resize_heif off;
    location / { image_resize resize 40 -; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /info/ { image_resize info; alias $TEST_NGINX_FIXTURES/heifs/; }
    location /on/ { image_resize resize 40 -; image_resize_heif auto; alias $TEST_NGINX_FIXTURES/heifs/; }
--- rows
/half.heic              415 X-Error=unsupported_format log=info:unsupported_format:HEIC
/test/half.heic         415 X-Error=unsupported_format
/size/half.heic         200 body={}%0d%0a
/info/half.heic         415 X-Error=unsupported_format
/on/half.heic           200 jpeg 40x30


=== TEST 4: what is cut, or means harm
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 40 -; alias $TEST_NGINX_FIXTURES/heifs/; }
--- script eval
sub {
    my $name = shift;
    my $c = client(timeout => 20);
    my %why = (items => 'unsupported_format', cells => 'unsupported_format', nested => 'unsupported_format',
               coding => 'unsupported_format', pictures => 'decode_failed', cut => 'decode_failed');
    for my $file (sort keys %why) {
        my $r = $c->get("/bad-$file.heic");
        Test::More::is($r->{status}, 415, "$name - $file");
        Test::More::is($r->{h}{'x-error'}, $why{$file}, "$name - $file, why");
    }
    Test::More::cmp_ok(worker_memory('VmHWM'), '<', 96, "$name - MiB of the worker");
}
