# Formats that are only read: BMP, ICO, PNM and QOI of many encoders against what others see in them, and
# what becomes of their pieces.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

my $folder = ImageGate::Fixtures::fixtures_by('bitmaps');

my %count;
my $rows = '';
for my $path (sort glob "$folder/*.png") {
    my ($file, $ext) = $path =~ m{/(([^/]+?)\.(bmp|ico|qoi|p[bgpa]m))\.png$} ? ($1, $3) : next;
    my $kind = $ext =~ /^p/ ? 'pnm' : $ext;
    $count{$kind}++;
    my ($w, $h) = unpack 'x16NN', ImageGate::Fixtures::slurp($path);
    $rows .= "/$file 200 png ${w}x$h psnr>40:bitmaps/$file.png X-Source=$kind:$w:$h !X-Damaged log=none\n";
}

plan 'no_plan';

Test::More::cmp_ok($count{$_} || 0, '>=', 30, "$_ of many kinds") for qw(bmp ico pnm qoi);

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
        alias $TEST_NGINX_FIXTURES/bitmaps/;
    }
--- timeout: 120
--- rows
%ROWS%


=== TEST 2: the format that an output has where none is asked for
--- config
    location / { image_resize resize 40 -; add_header X-Format $image_resize_format; alias $TEST_NGINX_FIXTURES/bitmaps/; }
    location /auto/ { image_resize resize 40 -; image_resize_format auto; alias $TEST_NGINX_FIXTURES/bitmaps/; }
    location /plain/ { image_resize convert; alias $TEST_NGINX_FIXTURES/bitmaps/; }
    location /no/ { image_resize convert; image_resize_format $arg_f; alias $TEST_NGINX_FIXTURES/bitmaps/; }
--- rows
/pillow-rgb-97x61.bmp           200 jpeg 40x25 Content-Type=image/jpeg X-Format=jpeg etag=weak
/pillow-rgb-97x61.ppm           200 jpeg 40x25
/rgb-200x120.qoi                200 jpeg 40x24
/ffmpeg-rgb24.pam               200 jpeg 40x25
/pillow-palette-97x61.bmp       200 png 40x25 palette Content-Type=image/png X-Format=png
/rle4-97x61.bmp                 200 png 40x25 palette
/bgra-97x61.bmp                 200 png 40x25 alpha
/pillow-1-97x61.pbm             200 png 40x25
/pam-la-97x61.pam               200 png 40x25 alpha
/rgba-200x120.qoi               200 png 40x24 alpha
/largest-1.ico                  200 png 40x40
/png-rgb-256x256.ico            200 jpeg 40x40
/plain/pillow-rgb-97x61.bmp     200 jpeg 97x61 etag=weak
/auto/pillow-rgb-97x61.bmp [Accept: image/webp] 200 webp 40x25 Vary=Accept
/auto/pillow-rgb-97x61.bmp [Accept: image/*] 200 jpeg 40x25 Vary=Accept
/auto/bgra-97x61.bmp            200 png 40x25 alpha
/no/pillow-rgb-97x61.bmp?f=bmp  415


=== TEST 3: the other modes, and what else there is to be asked
--- config
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/bitmaps/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/bitmaps/; }
    location /info/ { image_resize info; alias $TEST_NGINX_FIXTURES/bitmaps/; }
    location /mark/ { image_resize convert; image_resize_format png; image_resize_watermark $TEST_NGINX_FIXTURES/bitmaps/8-whole-16x16.ico position=northwest; alias $TEST_NGINX_FIXTURES/; }
--- rows
/test/pillow-rgb-97x61.bmp      200 same=bitmaps/pillow-rgb-97x61.bmp Content-Type=image/bmp etag=strong
/test/largest-0.ico             200 same=bitmaps/largest-0.ico Content-Type=image/vnd.microsoft.icon
/test/plain-rgb-97x61.ppm       200 same=bitmaps/plain-rgb-97x61.ppm Content-Type=image/x-portable-anymap
/test/rgb-64x64.qoi             200 same=bitmaps/rgb-64x64.qoi Content-Type=image/qoi
/size/rle8-97x61.bmp            200 body={%20"img"%20:%20{%20"width":%2097,%20"height":%2061,%20"type":%20"bmp"%20}%20}%0d%0a
/size/largest-2.ico             200 body={%20"img"%20:%20{%20"width":%2064,%20"height":%2064,%20"type":%20"ico"%20}%20}%0d%0a
/size/magick-16.ppm             200 body={%20"img"%20:%20{%20"width":%2097,%20"height":%2061,%20"type":%20"pnm"%20}%20}%0d%0a
/size/rgba-64x64.qoi            200 body={%20"img"%20:%20{%20"width":%2064,%20"height":%2064,%20"type":%20"qoi"%20}%20}%0d%0a
/info/pillow-1-97x61.pbm        200 Content-Type=application/json
/mark/flat-100x120.png          200 png 100x120 psnr>40:flat-100x120.png,mark:bitmaps/8-whole-16x16.ico.png+0+0


=== TEST 4: cut at any place: what there is of the rows, or 415
--- config
    add_header X-Damaged $image_resize_damaged;
    image_resize_format png;
    location /lenient/ { image_resize convert; alias $TEST_NGINX_HTML_DIR/; }
    location /strict/  { image_resize convert; image_resize_damaged strict; alias $TEST_NGINX_HTML_DIR/; }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    my $c = client(timeout => 20);
    for my $file (qw(pillow-rgb-33x20.bmp rle8-33x20.bmp 565-33x20.bmp 32-masked-33x20.ico pillow-rgb-33x20.ppm
                     plain-grey-33x20.pgm pam-rgba-33x20.pam rgba-13x13.qoi)) {
        my $whole = fixture("bitmaps/$file");
        my $n = length $whole;
        my (@wrong, $shown);
        for my $k (1 .. 25) {
            my $cut = int($n * $k / 30);
            my $path = "$ENV{TEST_NGINX_HTML_DIR}/$cut-$file";
            open my $out, '>:raw', $path or die $!;
            print $out substr $whole, 0, $cut;
            close $out or die $!;
            my $strict = $c->get("/strict/$cut-$file")->{status};
            my $r = $c->get("/lenient/$cut-$file");
            push @wrong, "$cut of $n bytes: strict $strict" if $strict != 415;
            push @wrong, "$cut of $n bytes: $r->{status}" if $r->{status} != 200 && ($shown || $r->{status} != 415);
            push @wrong, "$cut of $n bytes: nothing said" if $r->{status} == 200 && $r->{h}{'x-damaged'} ne '1';
            $shown ||= $r->{status} == 200;
            unlink $path;
        }
        push @wrong, 'never shown' if !$shown;
        Test::More::ok(!@wrong, "$name - $file") or Test::More::diag(CORE::join "\n", @wrong);
    }
}


=== TEST 5: headers that promise what is not there
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 50 -; root $TEST_NGINX_HTML_DIR; }
--- script eval
sub {
    my $name = shift;
    my $c = client(timeout => 20);
    my $bmp = sub {
        my ($w, $h, $bits, $packed) = @_;
        return 'BM' . pack('VVV', 0, 0, 1078) . pack('VVVvvVVVVVV', 40, $w, $h, 1, $bits, $packed, 0, 0, 0, 256, 0)
            . "\0" x 1024;
    };
    my %bombs = (
        'sides.bmp' => [$bmp->(65535, 65535, 24, 0), 'too_many_pixels'],
        'rle.bmp'   => [$bmp->(8000, 8000, 8, 1) . "\0\1", 'decode_failed'],
        'jumps.bmp' => [$bmp->(8000, 8000, 8, 1) . "\0\2\0\xff" x 12, 'decode_failed'],
        'empty.bmp' => [$bmp->(8000, 8000, 24, 0), 'decode_failed'],
        'sides.ppm' => ["P6 4294967295 4294967295 255\n", 'too_many_pixels'],
        'empty.pbm' => ["P4 14000 14000\n", 'decode_failed'],
        'comments.ppm' => ["P6\n" . "#\n" x 500_000, 'decode_failed'],
        'sides.qoi' => ['qoif' . pack('NNCC', 4294967295, 4294967295, 4, 0), 'too_many_pixels'],
        'runs.qoi'  => ['qoif' . pack('NNCC', 8000, 8000, 4, 0) . "\xfd" x 5000, 'decode_failed'],
        'many.ico'  => [pack('vvv', 0, 1, 255) . pack('CCCCvvVV', 0, 0, 0, 0, 1, 32, 40, 6) x 255, 'decode_failed|unsupported_format'],
        'deep.ico'  => [pack('vvv', 0, 1, 1) . pack('CCCCvvVV', 1, 1, 0, 0, 1, 32, 1 << 30, 22)
                        . pack('VVVvvVVVVVV', 40, 60000, 60000, 1, 32, 0, 0, 0, 0, 0, 0), 'unsupported_format'],
    );
    for my $file (sort keys %bombs) {
        my ($bytes, $why) = @{$bombs{$file}};
        open my $out, '>:raw', "$ENV{TEST_NGINX_HTML_DIR}/$file" or die $!;
        print $out $bytes;
        close $out or die $!;
        my $began = Time::HiRes::time();
        my $r = $c->get("/$file");
        Test::More::is($r->{status}, 415, "$name - $file");
        Test::More::like($r->{h}{'x-error'}, qr/^(?:$why)$/, "$name - $file, why");
        Test::More::cmp_ok(Time::HiRes::time() - $began, '<', 1, "$name - $file, at once");
    }
    Test::More::cmp_ok(worker_memory('VmHWM'), '<', 96, "$name - MiB of the worker");
}
