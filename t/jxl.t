# JPEG XL in and out. What comes out is looked at by djxl, what goes in was written by cjxl.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::HostileJxl;

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: out of every kind of source
--- config
    location / {
        image_resize resize 150 -;
        image_resize_format jxl;
        add_header X-Format $image_resize_format;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/photo-300x200.jpg              200 jxl 150x100 opaque psnr>30:photo-300x200.jpg Content-Type=image/jxl X-Format=jxl etag=weak
/photo-300x200-gray.jpg         200 jxl 150x100 opaque psnr>30:photo-300x200.jpg,gray
/photo-300x200-palette.png      200 jxl 150x100 opaque psnr>28:photo-300x200-palette.png
/photo-300x200.webp             200 jxl 150x100 opaque psnr>30:photo-300x200.webp
/photo-300x200.jxl              200 jxl 150x100 opaque psnr>30:photo-300x200.jpg
/quad-300x360-alpha.png         200 jxl 150x180 alpha px=140,10:lime~40
/quad-300x360-trns.gif          200 jxl 150x180 alpha px=140,10:lime~40


=== TEST 2: in, to every format
--- config
    location ~ ^/(?<format>jpeg|png|gif|webp|avif)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_format $format;
        add_header X-Source $image_resize_source_format:$image_resize_source_width;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location /exact/ { image_resize convert; image_resize_format png; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /fits/ { image_resize resize 300 200; alias $TEST_NGINX_FIXTURES/; }
--- rows
/jpeg/photo-300x200.jxl         200 jpeg 150x100 psnr>30:photo-300x200.jpg X-Source=jxl:300
/png/photo-300x200.jxl          200 png 150x100 opaque psnr>35:photo-300x200.jpg
/gif/photo-300x200.jxl          200 gif 150x100 psnr>22:photo-300x200.jpg
/webp/photo-300x200.jxl         200 webp 150x100 opaque psnr>30:photo-300x200.jpg
/avif/photo-300x200.jxl         200 avif 150x100 opaque psnr>28:photo-300x200.jpg
/exact/photo-300x200-lossless.jxl 200 png 300x200 opaque psnr>90:photo-300x200.png
/exact/quad-300x360-lossless-alpha.jxl 200 png 300x360 alpha psnr>90:quad-300x360-alpha.png
/exact/photo-300x200-lossless-gray.jxl 200 png 300x200 opaque psnr>50:photo-300x200.png,gray
/size/photo-300x200.jxl         200 body={%20"img"%20:%20{%20"width":%20300,%20"height":%20200,%20"type":%20"jxl"%20}%20}%0d%0a
/fits/photo-300x200.jxl         200 same=photo-300x200.jxl etag=strong


=== TEST 3: image_resize_jxl_quality and its effort
--- config
    location /q/ { image_resize resize 150 -; image_resize_format jxl; image_resize_jxl_quality $arg_q effort=3; alias $TEST_NGINX_FIXTURES/; }
    location /max/ { image_resize resize 300 -; image_resize_format jxl; image_resize_max_bytes 4000; alias $TEST_NGINX_FIXTURES/; }
--- rows
/q/photo-300x200.jpg?q=10       200 jxl 150x100
/q/photo-300x200.jpg?q=60       200 jxl 150x100 prev>
/q/photo-300x200.jpg?q=95       200 jxl 150x100 prev> psnr>35:photo-300x200.jpg
/max/photo-300x200.png          200 jxl 300x200 bytes<4001


=== TEST 4: negotiation: by name in a list, and not by auto alone
--- config
    location ~ ^/(?<list>[^/]+)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_format auto=$list;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location ^~ /auto/ { image_resize resize 150 -; image_resize_format auto; alias $TEST_NGINX_FIXTURES/; }
--- rows
/jxl,webp/photo-300x200.jpg [Accept: image/webp,image/jxl] 200 jxl 150x100 Vary=Accept
/webp,jxl/photo-300x200.jpg [Accept: image/webp,image/jxl] 200 webp 150x100 Vary=Accept
/avif,jxl,webp/photo-300x200.jpg [Accept: image/jxl] 200 jxl 150x100 Vary=Accept
/avif,jxl,webp/photo-300x200.jpg [Accept: image/*] 200 jpeg 150x100 Vary=Accept
/avif,jxl,webp/photo-300x200.jxl [Accept: */*] 200 jpeg 150x100 Vary=Accept
/jxl/anim-60x40-im.gif [Accept: image/jxl] 200 jxl frames=5 Vary=Accept
/auto/photo-300x200.jpg [Accept: image/jxl] 200 jpeg 150x100 Vary=Accept


=== TEST 5: a JPEG whose pixels stay is had back to the byte
--- config
    location /keep/ { image_resize convert; image_resize_format jxl; image_resize_metadata keep; alias $TEST_NGINX_FIXTURES/; }
    location /strip/ { image_resize convert; image_resize_format jxl; alias $TEST_NGINX_FIXTURES/; }
    location /stripped/ { image_resize convert; alias $TEST_NGINX_FIXTURES/; }
    location /lossy/ { image_resize convert; image_resize_format jxl; image_resize_jxl_quality 80; alias $TEST_NGINX_FIXTURES/; }
    location /max/ { image_resize convert; image_resize_format jxl; image_resize_max_bytes 9000; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    my $c = client();
    my @jpegs = qw(photo-300x200 photo-300x200-progressive photo-301x199-422 photo-299x201-444-q95
                   photo-300x200-gray photo-300x200-q30 photo-300x200-meta photo-131x117);
    fixture_path("$_.jpg") for @jpegs, 'photo-300x200-cmyk', 'photo-300x200-exif6';
    for my $jpeg (map { "$_.jpg" } @jpegs) {
        my $r = $c->get("/keep/$jpeg");
        my $back = ImageGate::Image::djxl($r->{body}, 'jpg');
        Test::More::is($r->{status}, 200, "$name - $jpeg");
        Test::More::ok(defined $back && $back eq fixture($jpeg), "$name - $jpeg is had back");
        Test::More::cmp_ok(length $r->{body}, '<', length fixture($jpeg), "$name - $jpeg is shorter");
        my $stripped = $c->get("/stripped/$jpeg")->{body};
        $back = ImageGate::Image::djxl($c->get("/strip/$jpeg")->{body}, 'jpg');
        Test::More::ok(defined $back && $back eq $stripped, "$name - $jpeg is had back stripped");
    }
    for my $lossy ('/lossy/photo-300x200.jpg', '/max/photo-300x200.jpg', '/keep/photo-300x200-cmyk.jpg',
                   '/strip/photo-300x200-exif6.jpg') {
        my $r = $c->get($lossy);
        Test::More::is($r->{status}, 200, "$name - $lossy");
        Test::More::is(inspect($r->{body})->{reversible}, 0, "$name - $lossy has a loss");
    }
}


=== TEST 6: what is broken, and what is too much
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 30 -; image_resize_format jxl; alias $TEST_NGINX_FIXTURES/; }
    location /small/ { image_resize resize 30 -; image_resize_limit pixels=59999; alias $TEST_NGINX_FIXTURES/; }
    location /brief/ { image_resize resize 1900 -; image_resize_format jxl;
        image_resize_jxl_quality 90 effort=9; image_resize_limit time=50ms; alias $TEST_NGINX_FIXTURES/; }
--- rows
/trunc_photo-300x200.jxl        415 X-Error=decode_failed log=info:decode_failed
/small/photo-300x200.jxl        415 X-Error=too_many_pixels log=info:too_many_pixels
/brief/photo-2000x1500.jpg      503 X-Error=timeout


=== TEST 7: bombs: profiles of 256 MiB, and of more, in 200 bytes, before a byte of which is in memory
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 30 -; root $TEST_NGINX_HTML_DIR; }
--- script eval
sub {
    my $name = shift;
    my $c = client(timeout => 20);
    my $bits = sub { my ($value, $count) = @_; return join '', map { $value >> $_ & 1 } 0 .. $count - 1 };
    my $varint = sub {
        my $value = shift;
        my @out;
        for (; $value > 127; $value >>= 7) { push @out, $value & 127 | 128 }
        return @out, $value;
    };
    # 8x8 pixels; with a preview, an animation and an extension where it has to have more; then a profile.
    my $before = sub {
        my $more = shift;
        my $out = $bits->(0x0aff, 16) . $bits->(1, 1) . $bits->(0, 5) . $bits->(1, 3) . $bits->(0, 1);
        $out .= $more
            ? $bits->(1, 1) . $bits->(0, 3) . $bits->(0, 1)
                . $bits->(1, 1) . $bits->(1, 1) . $bits->(0, 2) . $bits->(1, 3)
                . $bits->(1, 1) . $bits->(0, 7)
            : $bits->(0, 1);
        $out .= $bits->(0, 3) . $bits->(1, 1) . $bits->(0, 2) . $bits->(0, 1) . $bits->(2, 2) . $bits->(0, 2);
        $out .= $more ? $bits->(1, 1) . $bits->(1, 2) . $bits->(0, 4) . $bits->(1, 2) . $bits->(9, 4) . $bits->(0, 10) : $bits->(0, 2);
        return $out . $bits->(1, 1);
    };
    my $length = sub {
        my $count = shift;
        my $out = $bits->(3, 2) . $bits->($count & 0xfff, 12);
        for (my $left = $count >> 12; $left > 0; $left >>= 8) { $out .= $bits->(1, 1) . $bits->($left & 0xff, 8) }
        return $out . $bits->(0, 1);
    };
    # All bytes in 8 bits.
    my $profile = sub {
        my ($size, $more) = @_;
        my @bytes = ($varint->($size), 1, 0, (0) x 128);
        my $out = $before->($more) . $length->(scalar @bytes);
        $out .= $bits->(@$_) for [0, 1], [1, 1], [0, 2], [1, 1], [8, 4], [0, 8], [1, 1], [7, 4], [127, 7], [0, 22], [2, 2], [0, 14];
        $out .= reverse($bits->($_, 8)) for @bytes;
        return pack 'b*', $out;
    };
    my $container = sub { "\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl " . join '', @_ };
    my $in_parts = sub {
        my ($index, @parts) = (0, split //, shift);
        return $container->(map { pack('NA4N', 12 + length, 'jxlp', $index++) . $_ } @parts);
    };
    my %bombs = (
        'profile.jxl'   => [$profile->(1 << 28), 'unsupported_format'],
        'more.jxl'      => [$profile->(1 << 28, 1), 'unsupported_format'],
        'beyond.jxl'    => [$profile->(1 << 50), 'unsupported_format'],
        'below.jxl'     => [$profile->(1 << 22), 'decode_failed'],
        'parts.jxl'     => [$in_parts->($profile->(1 << 28)), 'unsupported_format'],
        'box.jxl'       => [$container->("\0\0\0\0jxlc", $profile->(1 << 28)), 'unsupported_format'],
        # 2^24 and 2^22 bytes, of one symbol that takes no bits.
        (map { ("packed$_.jxl" => [pack('b*', $before->() . $length->(1 << $_) . $bits->(0, 1) . $bits->(1, 3)
            . $bits->(1, 1) . $bits->(8, 4) . $bits->(0, 8) . $bits->(0, 1) . ('0' x 64)), 'unsupported_format|decode_failed']) } 22, 24),
        # 2^30 by 2^18 pixels, with nothing behind them.
        'sides.jxl'     => [pack('b*', $bits->(0x0aff, 16) . '0' . $bits->(2, 2) . $bits->((1 << 18) - 1, 18) . $bits->(0, 3)
            . $bits->(3, 2) . $bits->((1 << 30) - 1, 30) . $bits->(3, 2)), 'too_many_pixels|decode_failed'],
    );
    for my $file (sort keys %bombs) {
        my ($bytes, $why) = @{$bombs{$file}};
        open my $out, '>:raw', "$ENV{TEST_NGINX_HTML_DIR}/$file" or die $!;
        print $out $bytes;
        close $out or die $!;
        my $r = $c->get("/$file");
        Test::More::is($r->{status}, 415, "$name - $file");
        Test::More::like($r->{h}{'x-error'}, qr/^(?:$why)$/, "$name - $file, why");
    }
    Test::More::cmp_ok(worker_memory('VmHWM'), '<', 96, "$name - MiB of the worker");
}


=== TEST 8: nobody who leaves, and no limit of time, ends the worker while it encodes
--- config
    add_header X-Error $image_resize_error always;
    image_resize_format jxl;
    image_resize_limit time=30s;
    location /4/ { image_resize resize 900 -; image_resize_jxl_quality 80; alias $TEST_NGINX_FIXTURES/; }
    location /9/ { image_resize resize 900 -; image_resize_jxl_quality 80 effort=9; alias $TEST_NGINX_FIXTURES/; }
    location /brief/ { image_resize resize 900 -; image_resize_jxl_quality 80 effort=9; image_resize_limit time=3s; alias $TEST_NGINX_FIXTURES/; }
    location /none/ { image_resize resize 900 -; image_resize_limit time=80ms; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    my $pid = worker_pid();
    for my $ms (100, 200, 300, 400) {
        for my $effort (4, 9) {
            my $gone = client();
            $gone->send('GET', "/$effort/noise-2400x1600-q90.jpg");
            Time::HiRes::sleep($ms / 1000);
            $gone->abort;
        }
    }
    # An effort of 9 would take longer: a lower one is had.
    my $r = client(timeout => 60)->get('/brief/noise-2400x1600-q90.jpg');
    Test::More::is($r->{status}, 200, "$name - in time");
    Test::More::is(inspect($r->{body})->{format}, 'jxl', "$name - in time, what it is");
    Test::More::is(client(timeout => 60)->get('/none/noise-2400x1600-q90.jpg')->{status}, 503, "$name - no time");
    Test::More::is(worker_pid(), $pid, "$name - the same worker");
}


=== TEST 9: a step of the decoder that lasts for minutes, and memory that nobody estimates
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 30 -; image_resize_limit time=500ms; root $TEST_NGINX_HTML_DIR; }
    location /long/ { image_resize resize 30 -; image_resize_limit time=10m; alias $TEST_NGINX_HTML_DIR/; }
--- script eval
sub {
    my $name = shift;
    my $pid = worker_pid();
    chomp(my @watches = `pgrep -P $pid`);
    Test::More::is(scalar @watches, 1, "$name - a worker has one process besides");
    my $watch = $watches[0];
    chomp(my @helpers = `pgrep -P $watch`);
    Test::More::is(scalar @helpers, 1, "$name - which has one that makes others");
    my $helper = $helpers[0];
    for my $process ($watch, $helper) {
        Test::More::like(join('', map { chomp; $_ } `cat /proc/$process/cmdline`), qr/^\w+: image codec/, "$name - it says what it is");
        Test::More::cmp_ok(scalar(() = glob "/proc/$process/fd/*"), '<=', 4, "$name - and has nothing of the worker open");
    }
    my $children = sub { scalar(() = `pgrep -P $helper`) };
    for my $file (ImageGate::HostileJxl::names()) {
        my $status = ImageGate::HostileJxl::put($file, $ENV{TEST_NGINX_HTML_DIR});
        my $r = client(timeout => 60)->get("/$file");
        Test::More::is($r->{status}, $status, "$name - $file");
        Test::More::is($r->{h}{'x-error'}, $status == 503 ? 'timeout' : 'too_many_pixels', "$name - $file, why");
        Test::More::ok(wait_for(20, sub { $children->() == 0 }), "$name - $file, and nothing goes on");
        next if $status != 503;
        my $gone = client();
        $gone->send('GET', "/long/$file");
        Test::More::ok(wait_for(20, sub { $children->() == 1 }), "$name - $file, at it");
        $gone->abort;
        Test::More::ok(wait_for(20, sub { $children->() == 0 }), "$name - $file, nobody waits any more");
    }
    # A connection that nginx closes meanwhile is closed, though the process began with it.
    my $other = client(timeout => 20);
    $other->get('/none.jxl');
    my $at_it = client(timeout => 60);
    $at_it->send('GET', '/long/squeezed.jxl');
    Test::More::ok(wait_for(20, sub { $children->() == 1 }), "$name - at it");
    $other->send_raw("GET /none.jxl HTTP/1.0\r\n\r\n");
    my $ended = sub { !sysread($other->{sock}, my $rest, 65536) };
    Test::More::ok(wait_for(20, $ended), "$name - another connection is closed");
    Test::More::is($children->(), 1, "$name - at it");
    $at_it->abort;
    Test::More::ok(wait_for(20, sub { $children->() == 0 }), "$name - gone");
    # One that is killed is replaced.
    kill 'KILL', $helper;
    Test::More::is(client(timeout => 60)->get('/palette.jxl')->{status}, 503, "$name - another helper");
    chomp(@helpers = `pgrep -P $watch`);
    Test::More::ok(@helpers == 1 && $helpers[0] != $helper, "$name - in the place of the first");
    $helper = $helpers[0];
    Test::More::is(worker_pid(), $pid, "$name - the same worker");
    Test::More::cmp_ok(worker_memory('VmHWM'), '<', 96, "$name - MiB of the worker");
}
