# image_resize_metadata: nothing, author and rights, or all that may stay.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Image::ExifTool;
use Test::Nginx::Socket;
use ImageGate;

# What ExifTool finds in an answer.
sub tags {
    my $body = shift;
    my $t = Image::ExifTool->new;
    $t->Options(Duplicates => 1, Unknown => 1);
    $t->ExtractInfo(\$body);
    my %found;
    for my $tag ($t->GetFoundTags) {
        my $group = $t->GetGroup($tag, 0);
        next if $group =~ /^(File|ExifTool|Composite|PNG|RIFF|JFIF)$/;
        (my $name = $tag) =~ s/ \(\d+\)$//;
        $found{$name} .= $t->GetValue($tag) . "\n";
    }
    return \%found;
}

sub check {
    my ($name, $uri, %want) = @_;
    my $r = client()->get($uri);
    Test::More::is($r->{status}, 200, "$name - $uri - status");
    my $tags = tags($r->{body});
    for my $tag (@{ $want{has} || [] }) {
        Test::More::ok(defined $tags->{$tag}, "$name - $uri - has $tag")
            or Test::More::diag(join ' ', sort keys %$tags);
    }
    for my $re (@{ $want{lacks} || [] }) {
        my @bad = grep { /$re/ } sort keys %$tags;
        Test::More::ok(!@bad, "$name - $uri - no $re") or Test::More::diag("@bad");
    }
    if ($want{says}) {
        my $all = join '', values %$tags;
        Test::More::like($all, $want{says}, "$name - $uri - words");
    }
    Test::More::unlike($r->{body}, qr/48\.858|GPSLatitude/, "$name - $uri - no position in any form")
        if !$want{gps};
    return $r;
}

our @formats = qw(jpg png webp);

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: strip is the default: nothing is left
--- config
    location /default/ { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /strip/   { image_resize resize 150 -; image_resize_metadata strip; alias $TEST_NGINX_FIXTURES/; }
--- rows
/default/photo-300x200-meta.jpg         200 jpeg 150x100 bare
/strip/photo-300x200-meta.jpg           200 again
/strip/photo-300x200-meta.png           200 png 150x100 bare
/strip/photo-300x200-meta.webp          200 webp 150x100 bare


=== TEST 2: strip, seen by ExifTool
--- config
    location / { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    for my $ext (@main::formats) {
        fixture("photo-300x200-meta.$ext");
        main::check($name, "/photo-300x200-meta.$ext", lacks => [ qr/./ ]);
    }
}


=== TEST 3: copyright keeps author and rights, never the position
--- config
    location / { image_resize resize 150 -; image_resize_metadata copyright; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    for my $ext (@main::formats) {
        fixture("photo-300x200-meta.$ext");
        my $r = main::check($name, "/photo-300x200-meta.$ext", has => [ qw(Artist Copyright) ],
                    lacks => [ qr/GPS/i, qr/^Make$/ ], says => qr/\(c\) Ada Author/);
        my @bad = check_image($r->{body}, $ext eq 'jpg' ? 'jpeg 150x100' : "$ext 150x100");
        Test::More::ok(!@bad, "$name - still a picture") or Test::More::diag("@bad");
    }
}


=== TEST 4: keep keeps what was there
--- config
    location / { image_resize resize 150 -; image_resize_metadata keep; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    for my $ext (@main::formats) {
        fixture("photo-300x200-meta.$ext");
        my $r = main::check($name, "/photo-300x200-meta.$ext", gps => 1,
                    has => [ qw(Artist Copyright Make GPSLatitude) ], says => qr/\(c\) Ada Author/);
        my @bad = check_image($r->{body}, $ext eq 'jpg' ? 'jpeg 150x100' : "$ext 150x100");
        Test::More::ok(!@bad, "$name - still a picture") or Test::More::diag("@bad");
    }
}


=== TEST 5: kept EXIF data must not turn the picture twice
--- config
    location /keep/ { image_resize resize 50 -; image_resize_metadata keep; alias $TEST_NGINX_FIXTURES/; }
    location /copy/ { image_resize resize 50 -; image_resize_metadata copyright; alias $TEST_NGINX_FIXTURES/; }
    location /off/  { image_resize resize 50 -; image_resize_metadata keep; image_resize_orient off; alias $TEST_NGINX_FIXTURES/; }
--- rows
/keep/quad-100x120-exif6.jpg    200 jpeg 50x60 upright px=4,4:red px=45,4:lime
/keep/quad-100x120-exif6.png    200 png 50x60 upright px=4,4:red px=45,4:lime
/keep/quad-100x120-exif6.webp   200 webp 50x60 upright px=4,4:red px=45,4:lime
/copy/quad-100x120-exif6.jpg    200 jpeg 50x60 upright px=4,4:red px=45,4:lime
# not applied, so it still holds
/off/quad-100x120-exif6.jpg     200 jpeg 50x41 exif=6 px=4,4:lime


=== TEST 6: metadata across formats
--- config
    location ~ ^/(?<format>[^/]+)/(?<f>.+)$ {
        image_resize resize 150 -;
        image_resize_metadata copyright;
        image_resize_format $format;
        alias $TEST_NGINX_FIXTURES/$f;
    }
--- script eval
sub {
    my $name = shift;
    fixture('photo-300x200-meta.jpg');
    fixture('photo-300x200-meta.png');
    for my $row (['png', 'jpg'], ['webp', 'jpg'], ['jpeg', 'png'], ['webp', 'png']) {
        my ($to, $from) = @$row;
        my $r = main::check($name, "/$to/photo-300x200-meta.$from", has => [ 'Copyright' ],
                    lacks => [ qr/GPS/i ], says => qr/\(c\) Ada Author/);
        my @bad = check_image($r->{body}, "$to 150x100");
        Test::More::ok(!@bad, "$name - $to is $to") or Test::More::diag("@bad");
    }
}


=== TEST 7: with nothing to keep, nothing appears
--- config
    location /c/ { image_resize resize 150 -; image_resize_metadata copyright; alias $TEST_NGINX_FIXTURES/; }
    location /k/ { image_resize resize 150 -; image_resize_metadata keep; alias $TEST_NGINX_FIXTURES/; }
--- rows
/c/photo-300x200.jpg    200 jpeg 150x100 bare
/k/photo-300x200.jpg    200 jpeg 150x100 bare
/c/photo-300x200.png    200 png 150x100 bare
