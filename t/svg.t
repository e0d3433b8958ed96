# SVG as rsvg-convert draws it, at the size that is asked for; what passes in its place; and what is made of
# documents that mean harm.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

my $folder = ImageGate::Fixtures::fixtures_by('svgs');

# Edges are smoothed a little differently, and most of a letter is its edge.
my %least = map { ($_ => 30) } qw(text spans turned letters);
my $rows = '';
for my $path (sort glob "$folder/*.svg") {
    my $name = File::Basename::basename($path, '.svg');
    next if $name =~ /^bad-/;
    my $least = $least{$name} || 36;
    my $size = join 'x', unpack 'x16 N2', ImageGate::Fixtures::slurp("$folder/$name.png");
    # Sides are rounded down here.
    my $resized = $name eq 'units' && ($size = '240x141') ? ",resize:$size!" : '';
    $rows .= "/$name.svg 200 png $size psnr>$least:svgs/$name.png$resized X-Source~^svg: log=none\n";
}

plan 'no_plan';

spec_with(\*DATA, ROWS => $rows);

run_tests();

__DATA__

=== TEST 1: as rsvg-convert draws them
--- config
    location / {
        image_resize resize 240 -;
        image_resize_format png;
        add_header X-Source $image_resize_source_format:$image_resize_source_width;
        alias $TEST_NGINX_FIXTURES/svgs/;
    }
--- timeout: 60
--- rows
%ROWS%


=== TEST 2: sizes, formats and parts
--- config
    location / { image_resize_params $args; image_resize_allow all; image_resize resize 60 60; alias $TEST_NGINX_FIXTURES/svgs/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/svgs/; }
    location /own/ { image_resize convert; image_resize_format png; alias $TEST_NGINX_FIXTURES/svgs/; }
    location /off/ { image_resize resize 60 60; image_resize_svg off; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/svgs/; }
    location /fonts/ { image_resize resize 60 60; image_resize_svg_fonts $TEST_NGINX_HTML_DIR; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/svgs/; }
    location /few/ { image_resize resize 6000 -; image_resize_limit output_pixels=1000000; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/svgs/; }
--- rows
/shapes.svg                      200 png 60x60 alpha
/shapes.svg?w=1000,h=1000        200 png 1000x1000 alpha
/shapes.svg?w=80,h=80,f=webp          200 webp 80x80 alpha
/shapes.svg?w=80,h=80,f=jpeg     200 jpeg 80x80 px=1,1:white~9
/shapes.svg?w=80,h=80,f=avif          200 avif 80x80 alpha
/units.svg?w=-,h=100             200 png 169x100
/shapes.svg?w=100,h=50,fit=cover 200 png 100x50
/own/units.svg                   200 png 192x113
/size/units.svg                  200 body={%20"img"%20:%20{%20"width":%20192,%20"height":%20113,%20"type":%20"svg"%20}%20}%0d%0a
/off/shapes.svg                  415 X-Error=unsupported_format log=info:unsupported_format:SVG
/fonts/shapes.svg                200 png 60x60
/fonts/text.svg                  415 X-Error=decode_failed log=info:decode_failed
/few/shapes.svg                  415 X-Error=too_many_pixels


=== TEST 3: what passes as it is
--- config
    location /pass/ { image_resize resize 60 60; image_resize_pass svg; alias $TEST_NGINX_FIXTURES/svgs/; }
    location /made/ { image_resize resize 60 60; image_resize_pass svg; image_resize_format webp; alias $TEST_NGINX_FIXTURES/svgs/; }
    location /auto/ { image_resize resize 60 60; image_resize_pass svg; image_resize_format auto; alias $TEST_NGINX_FIXTURES/svgs/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/svgs/; }
--- rows
/pass/shapes.svg       200 same=svgs/shapes.svg Content-Type=image/svg+xml
/made/shapes.svg       200 webp 60x60 alpha
HEAD /made/shapes.svg  200 Content-Type=image/webp
/auto/shapes.svg [Accept: image/webp] 200 same=svgs/shapes.svg
/test/shapes.svg       415


=== TEST 4: none takes longer, or more, than it may
--- config
    location / {
        image_resize resize 800 800;
        image_resize_limit time=1s;
        add_header X-Error $image_resize_error always;
        alias $TEST_NGINX_FIXTURES/svgs/;
    }
--- timeout: 120
--- no_error_log
[alert]
[crit]
[emerg]
--- script eval
sub {
    my $name = shift;
    my $c = client(timeout => 20);
    my $pid = worker_pid();
    for my $path (sort glob "$ENV{TEST_NGINX_FIXTURES}/svgs/bad-*.svg") {
        my $file = File::Basename::basename($path, '.svg');
        my $r = $c->get("/$file.svg");
        my $error = $r->{h}{'x-error'} || '';
        Test::More::like($r->{status}, qr/^(?:200|415|503)$/, "$name - $file: $r->{status} $error");
        Test::More::unlike($error, qr/internal/, "$name - $file is nobody's fault but its own");
    }
    Test::More::is(worker_pid(), $pid, "$name - the worker is the same");
    Test::More::cmp_ok(worker_memory('VmHWM'), '<', 160, "$name - and has not grown");
    Test::More::is($c->get('/shapes.svg')->{status}, 200, "$name - and works");
}
