# The same requests to image_resize and to nginx's own image_filter, in one nginx: the
# same dimensions and types come out, and of photos the same picture.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

# Where the two differ on purpose. What is compared nevertheless stands behind it.
my @differences = (
    # A rotation by image_filter shifts the picture by a pixel for many sizes (libgd
    # turns about a rounded centre). Dimensions and types are compared with
    # image_filter, pixels with the exact rotation by ImageMagick.
    'rotation by libgd',

    # libgd averages boxes, ours is Lanczos: thumbnails of a few pixels differ by more
    # than 30 dB. Dimensions are compared; pixels from 48 a side.
    'pixels of tiny outputs',

    # libgd's palettes for GIF and palette PNG differ from ours: dimensions only.
    'palettes',
);

# name, sources, how ours and theirs answer; the reasons are those of docs/migration.
my @on_purpose = (
    ['EXIF orientation is applied', 'resize/50/-', 'photo-100x120-exif6.jpg', '200 image/jpeg 50x60', '200 image/jpeg 50x41'],
    ['an embedded profile is converted', 'resize/150/-', 'photo-300x200-icc_rommrgb.jpg', '200 image/jpeg 150x100', '200 image/jpeg 150x100'],
    ['a truncated JPEG is an error', 'resize/50/-', 'trunc_photo-300x200.jpg', '415 text/html', '200 image/jpeg 50x33'],
    ['a missing file stays missing', 'resize/50/-', 'absent.jpg', '404 text/html', '415 text/html'],
);

my @photos = (
    (map { "photo-$_.jpg" } qw(600x400 400x600 333x500 320x320 601x401 100x120 97x65)),
    'photo-600x400-progressive.jpg', 'photo-300x200-gray.jpg', 'photo-301x200-444.jpg', 'photo-300x201-422.jpg',
    'photo-300x200.png', 'photo-211x337.png', 'photo-300x200-interlaced.png',
    'photo-300x200.webp',
);
my @others = ('quad-100x120.gif', 'quad-100x120-palette.png', 'quad-120x100-trns.gif', 'quad-100x120-trns.png',
              'quad-200x10.png', 'quad-10x200.gif', 'quad-1x1.png', 'quad-2x3.jpg');

my @box = (
    ['100', '100'], ['150', '-'], ['-', '150'], ['33', '77'], ['200', '50'], ['50', '200'], ['1', '1'],
    ['299', '199'], ['1000', '1000'], ['75', '1000'], ['61', '47'], ['-', '-'],
);

my @combination;
for my $s (@photos, @others) {
    for my $b (@box) {
        push @combination, [$_, @$b, 0, $s] for 'resize', 'crop';
    }
    push @combination, ['rotate', 0, 0, $_, $s] for 90, 180, 270;
    push @combination, ['resize', 60, 50, 90, $s], ['crop', 60, 50, 90, $s], ['crop', 50, 61, 180, $s],
                       ['crop', 40, 70, 270, $s], ['resize', '-', 45, 270, $s], ['crop', '-', 45, 90, $s];
}

if (!with_image_filter()) {
    plan skip_all => 'image_filter is not installed (package libnginx-mod-http-image-filter)';
}

# A build of libgd without WebP would differ in WebP; that is no difference of ours.
sub answer {
    my $r = shift;
    my ($type) = ($r->{h}{'content-type'} || 'none') =~ /^([^;]+)/;
    my $text = "$r->{status} $type";
    if ($r->{status} == 200) {
        my $i = inspect($r->{body});
        $text .= " $i->{width}x$i->{height}";
    }
    return $text;
}

sub compare {
    my ($name) = @_;
    my ($ours, $theirs) = (client(timeout => 30), client(timeout => 30));
    my ($n, $with_pixels, $worst) = (0, 0, 999);
    my (%skipped, @wrong);
    my $has_webp;

    fixture_path($_) for @photos, @others;
    $has_webp = $theirs->get('/theirs/resize/100/100/0/photo-300x200.webp')->{status} == 200;

    for my $c (@combination) {
        my ($mode, $w, $h, $angle, $source) = @$c;
        if ($source =~ /webp$/ && !$has_webp) {
            $skipped{'image_filter without WebP'}++;
            next;
        }
        my $uri = "$mode/$w/$h/$angle/$source";
        my $a = $ours->get("/ours/$uri");
        my $b = $theirs->get("/theirs/$uri");
        $n++;
        my ($got, $want) = (answer($a), answer($b));
        $got = "$a->{error}" if $a->{error};
        if ($got ne $want) {
            push @wrong, "$uri: $got, image_filter $want";
            next;
        }
        next if $a->{status} != 200;

        my ($width, $height) = $got =~ /(\d+)x(\d+)$/;
        if ($source !~ /^photo/ || $source =~ /gif|palette|trns/) {
            $skipped{palettes}++;
            next;
        }
        if ($width < 48 || $height < 48) {
            $skipped{'pixels of tiny outputs'}++;
            next;
        }
        my ($x, $ex) = decode($a->{body});
        my ($y, $ey) = decode($b->{body});
        if ($angle) {
            $skipped{'rotation by libgd'}++;
            next if $mode eq 'crop';
            # a turned picture is as high as the unturned is wide
            my ($rw, $rh) = $angle == 180 ? ($width, $height) : ($height, $width);
            ($y, $ey) = (reference("$source,resize:${rw}x$rh,rotate:$angle"), undef);
        }
        if ($ex || $ey) {
            push @wrong, "$uri: " . CORE::join ', ', grep { $_ } $ex, $ey;
            next;
        }
        $with_pixels++;
        my $db = psnr($x, $y);
        push @wrong, sprintf '%s: PSNR %.1f', $uri, $db if $db <= 30;
        $worst = $db if $db < $worst;
    }

    Test::More::cmp_ok($n, '>=', 300, "$name - $n combinations");
    Test::More::cmp_ok($with_pixels, '>=', 100, "$name - pixels of $with_pixels of them");
    Test::More::ok(!@wrong, "$name - no difference but the documented ones")
        or Test::More::diag(CORE::join "\n", scalar(@wrong) . ' differences', @wrong);
    Test::More::diag(sprintf '%d combinations, pixels of %d, lowest PSNR %.1f; set apart: %s', $n, $with_pixels, $worst,
        CORE::join ', ', map { "$_ $skipped{$_}" } sort keys %skipped);
    my %known = map { $_ => 1 } @differences, 'image_filter without WebP';
    my @unknown = grep { !$known{$_} } keys %skipped;
    Test::More::is("@unknown", '', "$name - nothing was left out for a reason that is not listed");
}

sub on_purpose {
    my ($name) = @_;
    my ($ours, $theirs) = (client(), client());
    for my $row (@on_purpose) {
        my ($why, $path, $source, $want_ours, $want_theirs) = @$row;
        fixture_path($source) if $source ne 'absent.jpg';
        my ($mode, $w, $h) = split m{/}, $path;
        my $uri = "$mode/$w/$h/0/$source";
        my ($a, $b) = ($ours->get("/ours/$uri"), $theirs->get("/theirs/$uri"));
        Test::More::is(answer($a), $want_ours, "$name - $why - ours");
        Test::More::is(answer($b), $want_theirs, "$name - $why - theirs");
        Test::More::ok($a->{body} ne $b->{body}, "$name - $why - they differ");
    }
}

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: combinations
--- config
    location ~ ^/ours/(?<mode>resize)/(?<w>[^/]*)/(?<h>[^/]*)/0/(?<f>.+)$ {
        image_resize resize $w $h; image_resize_jpeg_quality 95; image_resize_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/ours/(?<mode>crop)/(?<w>[^/]*)/(?<h>[^/]*)/0/(?<f>.+)$ {
        image_resize crop $w $h; image_resize_jpeg_quality 95; image_resize_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/ours/(?<mode>rotate)/0/0/(?<a>[^/]*)/(?<f>.+)$ {
        image_resize rotate $a; image_resize_jpeg_quality 95; image_resize_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/ours/(?<mode>resize)/(?<w>[^/]*)/(?<h>[^/]*)/(?<a>[^/]*)/(?<f>.+)$ {
        image_resize resize $w $h; image_resize rotate $a; image_resize_jpeg_quality 95; image_resize_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/ours/(?<mode>crop)/(?<w>[^/]*)/(?<h>[^/]*)/(?<a>[^/]*)/(?<f>.+)$ {
        image_resize crop $w $h; image_resize rotate $a; image_resize_jpeg_quality 95; image_resize_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/theirs/(?<mode>resize)/(?<w>[^/]*)/(?<h>[^/]*)/0/(?<f>.+)$ {
        image_filter resize $w $h; image_filter_jpeg_quality 95; image_filter_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/theirs/(?<mode>crop)/(?<w>[^/]*)/(?<h>[^/]*)/0/(?<f>.+)$ {
        image_filter crop $w $h; image_filter_jpeg_quality 95; image_filter_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/theirs/(?<mode>rotate)/0/0/(?<a>[^/]*)/(?<f>.+)$ {
        image_filter rotate $a; image_filter_jpeg_quality 95; image_filter_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/theirs/(?<mode>resize)/(?<w>[^/]*)/(?<h>[^/]*)/(?<a>[^/]*)/(?<f>.+)$ {
        image_filter resize $w $h; image_filter rotate $a; image_filter_jpeg_quality 95; image_filter_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
    location ~ ^/theirs/(?<mode>crop)/(?<w>[^/]*)/(?<h>[^/]*)/(?<a>[^/]*)/(?<f>.+)$ {
        image_filter crop $w $h; image_filter rotate $a; image_filter_jpeg_quality 95; image_filter_webp_quality 95; alias $TEST_NGINX_FIXTURES/$f;
    }
--- script eval
sub {
    my $name = shift;
    main::compare($name);
    main::on_purpose($name);
}
