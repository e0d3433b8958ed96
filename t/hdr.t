# image_resize_hdr: gain maps of JPEGs (lib/ultrahdr.py), which ExifTool finds where they are said to be, or not a trace
# of them; PQ, HLG and 16 bits, as ffmpeg reads them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp ();
use IPC::Run ();
use Test::Nginx::Socket;
use ImageGate;

ImageGate::Fixtures::fixtures_by('ultrahdr');

# What is in a file, in words; see the script.
sub look {
    my $file = File::Temp->new;
    binmode $file;
    print $file shift;
    close $file;
    my ($out, $err);
    IPC::Run::run(['/usr/bin/python3', "$FindBin::Bin/lib/ultrahdr.py", '--look', "$file"], \undef, \$out, \$err);
    chomp $out;
    return $out || $err;
}

# Asks for each URI, and has what comes said in words.
sub looks {
    my ($name, @rows) = @_;
    my $c = ImageGate::client();
    while (my ($uri, $words) = splice @rows, 0, 2) {
        my $r = $c->get($uri);
        Test::More::is($r->{status}, 200, "$name - $uri: status");
        Test::More::is(look($r->{body}), $words, "$name - $uri");
    }
}

# What ffmpeg says of a picture.
sub probe {
    my $file = File::Temp->new(SUFFIX => shift);
    binmode $file;
    print $file shift;
    close $file;
    my ($out, $err);
    IPC::Run::run(['ffprobe', '-v', 'error', '-show_entries', 'stream=width,height,pix_fmt,color_transfer,color_primaries',
        '-of', 'csv=p=0', "$file"], \undef, \$out, \$err);
    chomp $out;
    return $out || $err;
}

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: scaled, cut and turned with its picture, whatever says what it is
--- config
    image_resize_hdr keep;
    location /w/ { image_resize resize 400 -; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /c/ { image_resize crop 260 260 gravity=$arg_g; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /r/ { image_resize rotate 90; image_resize_params flip=h; image_resize_allow all; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /q/ { image_resize convert; image_resize_sharpen 50; image_resize_profile keep; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
--- script eval
sub {
    main::looks(shift,
        '/w/both.jpg' => '400x266 mpf iso xmp whole 200x133 L aligned',
        '/w/android.jpg' => '400x266 mpf xmp whole 200x133 L aligned',
        '/w/directory.jpg' => '400x266 mpf xmp whole 200x133 L aligned',
        '/w/iso.jpg' => '400x266 mpf iso whole 200x133 L aligned',
        '/w/whole.jpg' => '400x266 mpf iso xmp whole 400x266 L aligned',
        '/w/coarse.jpg' => '400x266 mpf iso xmp whole 192x128 L aligned',
        '/w/colors.jpg' => '400x266 mpf iso xmp whole 200x133 RGB aligned',
        '/w/film.jpg' => '400x266 mpf iso xmp whole 200x133 L aligned',
        '/w/exif6.jpg' => '400x266 mpf iso xmp whole 200x133 L aligned',
        '/w/exif8.jpg' => '400x266 mpf iso xmp whole 200x133 L aligned',
        '/w/exif3.jpg' => '400x266 mpf iso xmp whole 200x133 L aligned',
        '/c/both.jpg?g=east' => '260x260 mpf iso xmp whole 130x130 L aligned',
        '/c/exif6.jpg?g=north' => '260x260 mpf iso xmp whole 130x130 L aligned',
        '/c/coarse.jpg?g=smart' => '260x260 mpf iso xmp whole 128x128 L aligned',
        '/r/both.jpg' => '320x480 mpf iso xmp whole 160x240 L aligned',
        '/q/both.jpg' => '480x320 mpf iso xmp whole 240x160 L aligned',
    );
}


=== TEST 2: not a trace where it is not wanted, or can't be kept
--- config
    image_resize_hdr keep;
    location /off/ { image_resize resize 400 -; image_resize_hdr off; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /strip/ { image_resize convert; image_resize_hdr off; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /keep/ { image_resize resize 400 -; image_resize_hdr off; image_resize_metadata keep; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /w/ { image_resize resize 400 -; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /pad/ { image_resize pad 400 400; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /blur/ { image_resize resize 400 -; image_resize_blur 3; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /mark/ {
        image_resize resize 400 -;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-20x20.png;
        alias $TEST_NGINX_FIXTURES/ultrahdr/;
    }
    location /small/ { image_resize resize 400 -; image_resize_limit pixels=170000; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
--- script eval
sub {
    my @plain = '400x266';
    main::looks(shift,
        (map { ("/$_/both.jpg" => '400x266') } qw(off keep blur mark small)),
        '/strip/both.jpg' => '480x320',
        '/pad/both.jpg' => '400x400',
        (map { ("/w/$_.jpg" => '400x266') } qw(plain broken cut huge wrong)),
    );
}


=== TEST 3: an original: untouched, or both pictures stripped
--- config
    image_resize_hdr keep;
    add_header X-Status $image_resize_status;
    location /strip/ { image_resize convert; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /keep/ { image_resize convert; image_resize_metadata keep; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
--- script eval
sub {
    my $name = shift;
    main::looks($name,
        '/strip/both.jpg' => '480x320 mpf iso xmp whole 240x160 L aligned',
        '/strip/iso.jpg' => '480x320 mpf iso whole 240x160 L aligned',
        '/strip/directory.jpg' => '480x320 mpf xmp whole 240x160 L aligned',
        '/strip/secret.jpg' => '480x320 mpf iso xmp whole 240x160 L aligned',
        '/strip/film.jpg' => '480x320 mpf iso xmp whole 240x160 L aligned',
        '/strip/broken.jpg' => '480x320',
    );
    for my $file (qw(both secret film broken)) {
        my $r = ImageGate::client()->get("/keep/$file.jpg");
        Test::More::is($r->{h}{'x-status'}, 'original', "$name - $file");
        Test::More::ok($r->{body} eq ImageGate::Fixtures::fixture("ultrahdr/$file.jpg"), "$name - $file is untouched");
    }
}


=== TEST 4: ExifTool finds the map where it is said to be
--- config
    image_resize_hdr keep;
    location / { image_resize resize 300 -; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
--- script eval
sub {
    my $name = shift;
    require Image::ExifTool;
    for my $file (qw(both android iso directory)) {
        my $body = ImageGate::client()->get("/$file.jpg")->{body};
        my $tool = Image::ExifTool->new;
        $tool->Options(Duplicates => 1, Binary => 1);
        my $found = $tool->ImageInfo(\$body);
        Test::More::is($found->{Error} || $found->{Warning}, undef, "$name - $file: nothing is wrong");
        Test::More::is($found->{NumberOfImages}, 2, "$name - $file: pictures");
        my $map = ref $found->{MPImage2} ? ${ $found->{MPImage2} } : $found->{MPImage2};
        my $inside = Image::ExifTool->new->ImageInfo(\$map);
        Test::More::is($inside->{ImageSize}, '192x128', "$name - $file: its size");
        Test::More::ok(length $map && substr($body, -length $map) eq $map, "$name - $file: its place");
        next if $file eq 'iso';
        Test::More::like($found->{DirectoryItemLength}, qr/\b${\ length $map}$/, "$name - $file: length in XMP");
    }
}


=== TEST 5: other formats, what is negotiated, and whose answer it is
--- config
    location /png/ { image_resize resize 400 -; image_resize_hdr keep; image_resize_format png; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /auto/ { image_resize resize 400 -; image_resize_hdr keep; image_resize_format auto; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /off/ { image_resize resize 400 -; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /keep/ { image_resize resize 400 -; image_resize_hdr keep; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
--- rows
/png/both.jpg                               200 png 400x266 bare
/auto/both.jpg [Accept: image/webp]         200 webp 400x266 bare
/auto/both.jpg [Accept: image/jpeg]         200 jpeg 400x266
/off/both.jpg                               200 jpeg 400x266 bare etag=weak
/keep/both.jpg                              200 jpeg 400x266 etag=other
/keep/both.jpg [If-None-Match: $etag]       304 empty etag=same


=== TEST 6: PQ, HLG and 16 bits stay
--- config
    image_resize_hdr keep;
    location /png/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /avif/ { image_resize resize 150 -; image_resize_format avif; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /jxl/ { image_resize resize 150 -; image_resize_format jxl; image_resize_jxl_quality 95; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /blur/ { image_resize resize 150 -; image_resize_blur 2; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /off/ { image_resize resize 150 -; image_resize_hdr off; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
    location /as-it-is/ { image_resize convert; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
--- script eval
sub {
    my $name = shift;
    my $c = ImageGate::client();
    my @rows = (
        ['/avif/pq.png', '.avif', '150,60,yuv420p10le,smpte2084,bt2020'],
        ['/avif/hlg.png', '.avif', '150,60,yuv420p10le,arib-std-b67,bt2020'],
        ['/avif/sixteen.png', '.avif', '150,60,yuv420p10le,iec61966-2-1,bt709'],
        ['/png/pq.png', '.png', qr/^150,60,rgb48be/, 'cICP\x09\x10\0\x01'],
        ['/png/hlg.png', '.png', qr/^150,60,rgb48be/, 'cICP\x09\x12\0\x01'],
        ['/png/sixteen.png', '.png', qr/^150,60,rgb48be/],
        ['/blur/pq.png', '.png', qr/^150,60,gray,/],
        ['/off/pq.png', '.png', qr/^150,60,gray,/],
        ['/off/sixteen.png', '.png', qr/^150,60,gray,/],
        ['/as-it-is/pq.png', '.png', qr/^300,120,rgb48be/, 'cICP\x09\x10\0\x01'],
    );
    for my $row (@rows) {
        my ($uri, $suffix, $said, $there) = @$row;
        my $body = $c->get($uri)->{body};
        my $found = main::probe($suffix, $body);
        Test::More::ok(ref $said ? $found =~ $said : $found =~ /^\Q$said\E/, "$name - $uri: $found");
        Test::More::is($body =~ /cICP/ ? 1 : 0, $there ? 1 : 0, "$name - $uri: code points");
        Test::More::ok($body =~ /$there/s, "$name - $uri: which") if $there;
    }
    # djxl writes the profile that it makes of the code points: its name says which.
    for my $curve (qw(pq hlg)) {
        my $png = ImageGate::Image::djxl($c->get("/jxl/$curve.png")->{body}, 'png');
        Test::More::like(main::probe('.png', $png || ''), qr/^150,60,rgb48be/, "$name - $curve as JPEG XL");
    }
}


=== TEST 7: greys, kept or not
--- config
    location /off/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/ultrahdr/; }
--- rows
/off/pq.png     200 png 150x60 px=15,10:#3f3f3f~5 px=45,10:#888888~5 px=75,10:#bcbcbc~5 px=105,10:#dfdfdf~5 px=135,10:#ffffff~5
