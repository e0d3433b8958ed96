# What a job may take: files that were made to take long or much are refused, and what takes long is
# ended by time, by its client, and by nginx.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use POSIX ();

use ImageGate;
use ImageGate::Server;

sub bx { my ($kind, $data) = @_; return pack('N a4', length($data) + 8, $kind) . $data }
sub full { my ($kind, $version, $flags, $data) = @_; return bx($kind, pack('N', $version << 24 | $flags) . $data) }

# The sequence header of an AV1 sample, and what follows it.
sub split_sample {
    my $sample = shift;
    my ($at, $header) = (0, '');
    while (1) {
        my $kind = ord(substr $sample, $at, 1) >> 3 & 15;
        return (substr($sample, 0, $at), substr $sample, $at) if $kind == 3 || $kind == 6;
        my ($len, $shift, $p) = (0, 0, $at + 1);
        while (1) {
            my $byte = ord substr $sample, $p++, 1;
            $len |= ($byte & 127) << $shift;
            $shift += 7;
            last if $byte < 128;
        }
        $at = $p + $len;
    }
}

# An AVIF of one item.
sub avif {
    my ($width, $height, $sample) = @_;
    my $ftyp = bx('ftyp', "avif\0\0\0\0avifmif1miaf");
    my $ipco = bx('ipco', full('ispe', 0, 0, pack('NN', $width, $height)) . bx('av1C', "\x81\0\x0c\0"));
    my $meta = sub {
        full('meta', 0, 0, full('hdlr', 0, 0, "\0\0\0\0pict" . "\0" x 13) . full('pitm', 0, 0, pack('n', 1))
            . full('iloc', 0, 0, "\x44\0" . pack('n n n n N N', 1, 1, 0, 1, shift, length $sample))
            . full('iinf', 0, 0, pack('n', 1) . full('infe', 2, 0, pack('n n a4', 1, 0, 'av01') . "\0"))
            . bx('iprp', $ipco . full('ipma', 0, 0, pack('N n C C C', 1, 1, 2, 1, 0x82))));
    };
    my $start = length($ftyp) + length($meta->(0)) + 8;
    return $ftyp . $meta->($start) . bx('mdat', $sample);
}

# One whose boxes list that many items.
sub many_items {
    my $n = shift;
    my $ipma = pack('N', $n) . CORE::join '', map { pack 'N C', $_, 0 } 1 .. $n;
    return bx('ftyp', "avif\0\0\0\0avifmif1miaf")
        . full('meta', 0, 0, full('pitm', 1, 0, pack('N', 1)) . bx('iprp', bx('ipco', '') . full('ipma', 1, 0, $ipma)));
}

sub put {
    my ($name, $bytes) = @_;
    open my $out, '>:raw', ImageGate::Fixtures::fixture_dir() . "/$name" or die $!;
    print $out $bytes;
    close $out or die $!;
}

# Seconds of a processor that a process has taken.
sub processor {
    my ($fields) = ImageGate::Fixtures::slurp("/proc/$_[0]/stat") =~ /\) (.*)/s;
    my @fields = split / /, $fields;
    return ($fields[11] + $fields[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: frames of one picture, and entries of a table, are counted
--- config
    add_header X-Error $image_resize_error always;
    location /make/ { image_resize resize 64 -; image_resize_format avif; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /      { image_resize resize 20 -; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    fixture_path('photo-300x200.jpg');
    my $c = client(timeout => 30);
    my $made = $c->get('/make/photo-300x200.jpg');
    Test::More::is($made->{status}, 200, "$name - made");
    my ($sample) = $made->{body} =~ /mdat(.*)\z/s;
    my ($header, $frame) = main::split_sample($sample);
    for ([1, 200], [2, 200], [8, 200], [9, 415], [2000, 415]) {
        my ($count, $status) = @$_;
        main::put("frames-$count.avif", main::avif(64, 42, $header . $frame x $count));
        my $r = $c->get("/frames-$count.avif");
        Test::More::is($r->{status}, $status, "$name - $count frames");
        Test::More::is($r->{h}{'x-error'} || '', $status == 200 ? '' : 'too_many_frames', "$name - why");
    }
    main::put('items.avif', main::many_items(80_000));
    my $began = Time::HiRes::time();
    my $r = $c->get('/items.avif');
    Test::More::is("$r->{status} $r->{h}{'x-error'}", '415 unsupported_format', "$name - 80000 items");
    Test::More::is($c->get('/size/items.avif')->{body}, "{}\r\n", "$name - and no size");
    # It took 14 seconds each.
    Test::More::cmp_ok(Time::HiRes::time() - $began, '<', 5, "$name - at once");
}


=== TEST 2: what takes long is ended when its time is up, in every format
--- config
    add_header X-Error $image_resize_error always;
    add_header X-Time $image_resize_time always;
    image_resize_avif_quality 90 speed=0;
    image_resize_webp_quality 90 effort=6;
    image_resize_png_compression best;
    image_resize_limit time=60ms;
    location /make/ { image_resize convert; image_resize_format avif; image_resize_sharpen 1; image_resize_limit time=60s; image_resize_avif_quality 90 speed=10; alias $TEST_NGINX_FIXTURES/; }
    location /in/   { image_resize resize 60 -; image_resize_format webp; image_resize_limit time=10ms; alias $TEST_NGINX_FIXTURES/; }
    location ~ ^/out/(?<format>\w+)/(?<f>.+) { image_resize convert; image_resize_format $format; image_resize_sharpen 1; alias $TEST_NGINX_FIXTURES/$f; }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    my $c = client(timeout => 60);
    my $made = $c->get('/make/noise-2400x1600-q90.jpg');
    Test::More::is($made->{status}, 200, "$name - made");
    main::put('noise.avif', $made->{body});
    # Megabytes of which nothing comes: codes that say to begin anew, blocks without a byte.
    main::put('clear.gif', "GIF89a" . pack('v v C C C', 10, 10, 0x80, 0, 0) . "\0\0\0\xff\xff\xff"
        . ',' . pack('v v v v C', 0, 0, 10, 10, 0) . "\1" . ("\xff" . "\xaa" x 255) x 40_000 . "\0;");
    main::put('empty.png', "\x89PNG\r\n\x1a\n"
        . ImageGate::Fixtures::png_chunk('IHDR', pack('N N C C C C C', 10, 10, 8, 2, 0, 0, 0))
        . ImageGate::Fixtures::png_chunk('IDAT', "\x78\x9c" . "\0\0\0\xff\xff" x 2_500_000)
        . ImageGate::Fixtures::png_chunk('IEND', ''));
    for my $path ('/in/noise.avif', '/in/clear.gif', '/in/empty.png', map { "/out/$_/noise-2400x1600-q90.jpg" } 'webp', 'png', 'avif', 'gif', 'jpeg') {
        my $r = $c->get($path);
        if ($path !~ /jpeg/) {
            Test::More::is("$r->{status} $r->{h}{'x-error'}", '503 timeout', "$name - $path");
        }
        Test::More::like($r->{h}{'x-time'}, qr/^[\d.]+$/, "$name - $path, the time is said");
        # Ten times what is promised.
        Test::More::cmp_ok($r->{h}{'x-time'} || 9, '<', 2, "$name - $path, $r->{h}{'x-time'} s");
    }
}


=== TEST 3: many pixels of few bytes, which come in one step
--- config
    add_header X-Error $image_resize_error always;
    location / { image_resize resize 60 -; image_resize_format jpeg; image_resize_limit time=400ms memory=1g; alias $TEST_NGINX_FIXTURES/; }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    # 9000x6700 pixels of no bit each, by a palette of one code, three transforms and a cache.
    main::put('void.webp', pack 'H*', '5249464636000000574542505650384c2a0000002f27e38a16992e14a000fd8f4d6f1a528bfe475d6dea4013fa1f' . '0' x 32);
    # Packed pixels, of which jumps pass all by; and an icon of one bit a pixel.
    my $dib = sub { my ($width, $height, $bits, $packed) = @_;
        return pack('V V V v v V x12 V x4', 40, $width, $height, 1, $bits, $packed, 2) . "\0\0\0\0\xff\xff\xff\0" };
    main::put('jumps.bmp', 'BM' . pack('x8 V', 62) . $dib->(14000, 14000, 8, 1) . pack('C4', 0, 2, 0, 255) x 54 . "\0\1" x 200);
    my $icon = $dib->(11000, 22000, 1, 0) . "\xff" x (1376 * 11000);
    main::put('large.ico', pack('v3 C4 v2 V V', 0, 1, 1, 0, 0, 0, 0, 1, 1, length $icon, 22) . $icon);
    my $c = client(timeout => 60);
    my $pid = worker_pid();
    for my $file ('void.webp', 'jumps.bmp', 'large.ico') {
        my $before = main::processor($pid);
        my $r = $c->get("/$file");
        Test::More::like("$r->{status} " . ($r->{h}{'x-error'} || ''), qr/^(?:200|503 timeout|415 unsupported)/, "$name - $file");
        Test::More::cmp_ok(main::processor($pid) - $before, '<=', 0.6, "$name - $file, the processor's time");
    }
}


=== TEST 4: a client that leaves takes its job along
--- main_config
    thread_pool img threads=1;
--- config
    image_resize_threads img;
    image_resize_limit time=60s jobs=1;
    location ~ ^/(?<format>webp|png)/(?<f>.+) {
        image_resize convert;
        image_resize_format $format;
        image_resize_webp_quality 100 effort=6;
        image_resize_png_compression best;
        image_resize_sharpen 1;
        alias $TEST_NGINX_FIXTURES/$f;
    }
    location / { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    fixture_path('photo-300x200.jpg');
    for my $format ('webp', 'png') {
        my $whole = client(timeout => 60);
        my $began = Time::HiRes::time();
        Test::More::is($whole->get("/$format/noise-2400x1600-q90.jpg")->{status}, 200, "$name - $format");
        my $all = Time::HiRes::time() - $began;

        my $gone = client();
        $gone->send('GET', "/$format/noise-2400x1600-q90.jpg");
        Time::HiRes::sleep($all / 3);
        $gone->abort;
        $began = Time::HiRes::time();
        Test::More::is(client(timeout => 60)->get('/photo-300x200.jpg')->{status}, 200, "$name - the next one");
        my $waited = Time::HiRes::time() - $began;
        # With the rest of the other it would be two thirds of that and more.
        Test::More::cmp_ok($waited, '<', $all / 2 + 0.3, "$name - it waited $waited of $all s");
    }
}


=== TEST 5: nginx that is told to stop does not wait for jobs
--- config
    location / { return 204; }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    fixture_path('noise-2400x1600-q90.jpg');
    my $dir = ImageGate::Fixtures::fixture_dir();
    my $s = ImageGate::Server->new->start("location / { image_resize convert; image_resize_format webp;"
        . " image_resize_webp_quality 100 effort=6; image_resize_sharpen 1; image_resize_limit time=60s jobs=1; alias $dir/; }");
    my @c = map { $s->client(timeout => 60) } 1 .. 6;
    $_->send('GET', '/noise-2400x1600-q90.jpg') for @c;
    Time::HiRes::sleep(0.3);
    my @all = ($s->{master}, $s->workers);
    my $began = Time::HiRes::time();
    $s->signal('TERM');
    my $ended = $s->wait(30, sub { !grep { kill 0, $_ } @all });
    my $took = Time::HiRes::time() - $began;
    Test::More::ok($ended, "$name - it ended");
    # Six such jobs take much longer; a second is what is promised.
    Test::More::cmp_ok($took, '<', 5, "$name - in $took s");
    # Where the machine has no time for it, the master kills it after a second.
    my @trouble = grep { !/exited on signal 9/ } $s->trouble;
    Test::More::is("@trouble", '', "$name - without trouble");
}
