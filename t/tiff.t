# TIFF of several programs against what was stored in it, or what libtiff makes of it, and what is made of
# files that are not read, cut or hostile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

my $folder = ImageGate::Fixtures::fixtures_by('tiffs');

my $rows = '';
my $count = 0;
for my $path (sort glob "$folder/*.png") {
    my ($file) = $path =~ m{/([^/]+\.tif)\.png$} ? $1 : next;
    # Decoders of JPEG and engines for profiles round differently.
    my $least = $file =~ /profile/ ? 30 : $file =~ /jpeg/ ? 40 : 48;
    $rows .= "/$file 200 png 97x61 psnr>$least:tiffs/$file.png X-Source=tiff:97:61 !X-Damaged log=none\n";
    $count++;
}

plan 'no_plan';

Test::More::cmp_ok($count, '>=', 100, 'many kinds');

spec_with(\*DATA, ROWS => $rows);

run_tests();

__DATA__

=== TEST 1: to the pixel
--- config
    location / {
        image_resize convert;
        image_resize_format png;
        add_header X-Source $image_resize_source_format:$image_resize_source_width:$image_resize_source_height;
        add_header X-Damaged $image_resize_damaged;
        alias $TEST_NGINX_FIXTURES/tiffs/;
    }
--- timeout: 120
--- rows
%ROWS%


=== TEST 2: what becomes of it where nothing is asked for, and the other modes
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 40 -; add_header X-Format $image_resize_format; alias $TEST_NGINX_FIXTURES/tiffs/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/tiffs/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/tiffs/; }
    location /info/ { image_resize info; alias $TEST_NGINX_FIXTURES/tiffs/; }
    location /no/ { image_resize convert; image_resize_format $arg_f; alias $TEST_NGINX_FIXTURES/tiffs/; }
    location /keep/ { image_resize convert; image_resize_format png; image_resize_profile keep; alias $TEST_NGINX_FIXTURES/tiffs/; }
--- rows
/pillow-rgb-raw.tif             200 jpeg 40x25 Content-Type=image/jpeg X-Format=jpeg etag=weak
/pillow-rgba-tiff_lzw.tif       200 png 40x25 alpha Content-Type=image/png
/pillow-palette-packbits.tif    200 png 40x25 palette
/pillow-1-raw.tif               200 png 40x25
/pillow-cmyk-profile.tif        200 jpeg 40x25 icc=none components=3
/fax.tif                        415 log=info:unsupported_format:CCITT
/test/pillow-rgb-raw.tif        200 same=tiffs/pillow-rgb-raw.tif Content-Type=image/tiff etag=strong
/size/tiffcp-rgb-bigtiff.tif    200 body={%20"img"%20:%20{%20"width":%2097,%20"height":%2061,%20"type":%20"tiff"%20}%20}%0d%0a
/info/magick-16-rgb-lzw-msb.tif 200 Content-Type=application/json
/no/pillow-rgb-raw.tif?f=tiff   415
/keep/pillow-cmyk-profile.tif   200 png 97x61 icc=none


=== TEST 3: upright
--- config
    location / { image_resize convert; image_resize_format png; alias $TEST_NGINX_FIXTURES/tiffs/; }
    location /stored/ { image_resize convert; image_resize_format png; image_resize_orient off; alias $TEST_NGINX_FIXTURES/tiffs/; }
--- rows
/orientation-2.tif      200 png 97x61 psnr>48:tiffs/pillow-rgb-raw.tif.png,flop
/orientation-3.tif      200 png 97x61 psnr>48:tiffs/pillow-rgb-raw.tif.png,rotate:180
/orientation-4.tif      200 png 97x61 psnr>48:tiffs/pillow-rgb-raw.tif.png,flip
/orientation-6.tif      200 png 61x97 psnr>48:tiffs/pillow-rgb-raw.tif.png,rotate:270
/orientation-8.tif      200 png 61x97 psnr>48:tiffs/pillow-rgb-raw.tif.png,rotate:90
/stored/orientation-6.tif 200 png 97x61 psnr>48:tiffs/pillow-rgb-raw.tif.png


=== TEST 4: strips that are missing, and directories that promise what is not there
--- config
    add_header X-Error $image_resize_error always;
    add_header X-Damaged $image_resize_damaged;
    image_resize_format png;
    location /lenient/ { image_resize resize 50 -; alias $TEST_NGINX_HTML_DIR/; }
    location /strict/  { image_resize resize 50 -; image_resize_damaged strict; alias $TEST_NGINX_HTML_DIR/; }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    my $c = client(timeout => 20);
    my $put = sub {
        my ($file, $bytes) = @_;
        open my $out, '>:raw', "$ENV{TEST_NGINX_HTML_DIR}/$file" or die $!;
        print $out $bytes;
        close $out or die $!;
    };
    # a little-endian file of these entries (tag, type, number), then data
    my $tiff = sub {
        my ($entries, $data) = @_;
        my $start = 8 + 2 + 12 * @$entries + 4;
        return 'II*' . "\0" . pack('Vv', 8, scalar @$entries)
            . CORE::join('', map { pack 'vvVV', $_->[0], $_->[1], 1, $_->[2] eq 'data' ? $start : $_->[2] } @$entries)
            . pack('V', 0) . $data;
    };
    my $picture = sub {
        my ($w, $h, $rows, $compression, $data, %also) = @_;
        my %entries = (256 => $w, 257 => $h, 258 => 8, 259 => $compression, 262 => 1, 273 => 'data', 277 => 1,
                       278 => $rows, 279 => length $data, %also);
        return $tiff->([map { [$_, 4, $entries{$_}] } sort { $a <=> $b } keys %entries], $data);
    };

    # 100 rows in one strip, of which so many are there
    for my $rows (100, 60, 50, 40) {
        $put->("$rows.tif", $picture->(100, 100, 100, 1, "\x80" x (100 * $rows), 279 => 10_000));
        my $lenient = $c->get("/lenient/$rows.tif");
        my $strict = $c->get("/strict/$rows.tif");
        Test::More::is($lenient->{status}, $rows < 50 ? 415 : 200, "$name - $rows rows");
        Test::More::is($lenient->{h}{'x-damaged'} || 0, $rows < 100 && $rows >= 50 ? 1 : 0, "$name - $rows rows, damaged");
        Test::More::is($strict->{status}, $rows < 100 ? 415 : 200, "$name - $rows rows, strict");
    }

    my %bombs = (
        'sides.tif'   => [$picture->(65535, 65535, 65535, 1, 'x'), 'too_many_pixels'],
        'empty.tif'   => [$picture->(14000, 14000, 14000, 1, 'x' x 100), 'decode_failed'],
        'deflate.tif' => [$picture->(14000, 14000, 14000, 8, 'x' x 100), 'decode_failed'],
        'strips.tif'  => [$picture->(14000, 14000, 1, 1, 'x' x 100), 'decode_failed'],
        'tiles.tif'   => [$picture->(14000, 14000, 1, 1, 'x' x 100, 322 => 16, 323 => 16, 324 => 8, 325 => 8), 'decode_failed'],
        'thin.tif'    => [$picture->(14000, 14000, 1, 1, 'x' x 100, 322 => 1, 323 => 14000, 324 => 8, 325 => 8), 'unsupported_format'],
        'tile.tif'    => [$picture->(16, 16, 1, 1, 'x' x 100, 322 => 4_000_000_000, 323 => 16, 324 => 8, 325 => 8), 'too_many_pixels'],
        'loop.tif'    => ["II*\0" . pack('VvvvVVV', 8, 1, 254, 4, 1, 1, 8), 'unsupported_format'],
        'end.tif'     => ["II*\0" . pack('V', 4_000_000_000), 'decode_failed'],
        'many.tif'    => ["II*\0" . pack('Vv', 8, 65535) . "\0" x 800_000, 'decode_failed'],
        'big.tif'     => ["II+\0" . pack('vvQQ', 8, 0, 16, ~0) . "\0" x 800_000, 'decode_failed'],
        'camera.tif'  => ["II*\0\x10\0\0\0CR\x02\0" . "\0" x 100, 'unsupported_format'],
    );
    for my $file (sort keys %bombs) {
        my ($bytes, $why) = @{$bombs{$file}};
        $put->($file, $bytes);
        my $r = $c->get("/lenient/$file");
        Test::More::is($r->{status}, 415, "$name - $file");
        Test::More::like($r->{h}{'x-error'}, qr/^(?:$why)$/, "$name - $file, why");
    }
    Test::More::cmp_ok(worker_memory('VmHWM'), '<', 96, "$name - MiB of the worker");
}
