# What a browser asks by itself: widths by client hints, tiles of the IIIF Image API by OpenSeadragon.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ImageGate::Browser;
use ImageGate::Exports qw(write_file);
use ImageGate::Fixtures qw(fixture_dir fixture_path slurp);
use ImageGate::Server;

my $root = "$FindBin::Bin/..";
my $build = $ENV{TEST_NGINX_IMAGE_GATE_BUILD} || "$root/build";
my $viewer = "$build/clients/node_modules/openseadragon/build/openseadragon";

my $files = fixture_dir();
fixture_path('noise-1800x1200-q90.jpg');
my $s = ImageGate::Server->new;
chmod 0755, $s->{dir};
mkdir "$s->{dir}/museum";
mkdir "$s->{dir}/images";
write_file("$s->{dir}/museum/index.html", slurp("$root/examples/museum/index.html"));
write_file("$s->{dir}/museum/hints.html", <<'E_H');
<!doctype html><title>hints</title><style>img { display: block }</style>
<img sizes="300px" srcset="/hinted/noise-1800x1200-q90.jpg 1000w" id="one">
<img sizes="700px" srcset="/hinted/noise-1800x1200-q90.jpg?b 1000w" id="two">
E_H
link "$files/noise-1800x1200-q90.jpg", "$s->{dir}/images/noise-1800x1200-q90.jpg"
    or system('cp', "$files/noise-1800x1200-q90.jpg", "$s->{dir}/images/") == 0 or die 'no picture';
symlink $viewer, "$s->{dir}/museum/openseadragon" if -d $viewer;
$s->{http} = "types { text/html html; text/javascript js; image/png png; } log_format uri '\$status \$request_uri \$image_resize_width';"
    . " image_resize_cache_path $s->{dir}/cache keys_zone=tiles:1m;";
$s->start(qq{
    access_log $s->{dir}/logs/uris.log uri;
    root $s->{dir}/museum;
    location = /pictures/ { autoindex on; autoindex_format json; alias $s->{dir}/images/; }
    location = /hints.html { add_header Accept-CH "Sec-CH-Width, Sec-CH-DPR, Sec-CH-Viewport-Width"; }
    location /hinted/ {
        image_resize resize auto -;
        image_resize_hints on widths=320,640,960,1280;
        alias $s->{dir}/images/;
    }
    location /iiif/ {
        image_resize_url iiif; image_resize_allow all; image_resize_cache tiles;
        root $s->{dir}/images; rewrite ^ \$image_resize_source_path break;
    }
});
my $base = "http://127.0.0.1:$s->{port}";
sub asked { return grep { m{$_[0]} } split /\n/, slurp("$s->{dir}/logs/uris.log") }

my $browser = ImageGate::Browser->start;
for ([1, 320, 960], [2, 640, 1280]) {
    my ($scale, @widths) = @$_;
    $browser->show(width => 1280, height => 800, scale => $scale, scheme => 'light');
    # The second time the browser knows what is asked of it.
    $browser->go("$base/hints.html");
    $browser->call(POST => '/refresh', {});
    $browser->wait_for(10, 'return [...document.images].every(i => i.complete && i.naturalWidth)');
    # In either order.
    my $said = join ' ', sort { $a <=> $b } map { /(\d+)$/ } (asked('/hinted/'))[-2, -1];
    is($said, join(' ', @widths), "client hints at $scale pixels a CSS pixel") or diag(join "\n", asked('/hint'));
}

SKIP: {
    skip 'no OpenSeadragon: `make clients` installs it', 1 if !-d $viewer;
    $browser->show(width => 800, height => 600, scheme => 'light');
    $browser->go("$base/index.html");
    my $is_there = 'const t = viewer.world.getItemAt(0); return t && t.getFullyLoaded() && t.getContentSize().x';
    is($browser->wait_for(20, $is_there), 1800, 'OpenSeadragon opens a picture of its width');
    my $thumbs = $browser->wait_for(10, 'const i = document.images; return [...document.images].some(i => i.alt && i.complete && i.naturalWidth)');
    ok($thumbs, 'a thumbnail is there');
    my @before = asked('/iiif/');
    $browser->run('viewer.viewport.zoomTo(viewer.viewport.imageToViewportZoom(1), null, true); viewer.viewport.panTo(viewer.viewport.imageToViewportCoordinates(900, 600), true)');
    $browser->wait_for(5, 'return !viewer.world.getItemAt(0)?.getFullyLoaded()');
    ok($browser->wait_for(20, 'return viewer.world.getItemAt(0)?.getFullyLoaded()'), 'it zooms until a pixel is a pixel') or diag(join "\n", asked('/'), $browser->console);
    my @tiles = (asked('/iiif/'))[@before .. scalar(asked('/iiif/')) - 1];
    cmp_ok(scalar @tiles, '>=', 1, 'for which it asks for tiles') or diag(join "\n", @before);
    is_deeply([grep { !/^200 / } asked('/iiif/')], [], 'all of which are there') or diag(join "\n", asked('/iiif/'));
    # What is seen is that place of the original.
    my $middle = int($browser->run('return document.getElementById("viewer").clientHeight') / 2);
    $browser->screenshot("$s->{dir}/seen.png");
    system('convert', "$s->{dir}/seen.png", '-crop', '200x200+300+' . ($middle - 100), '+repage', "$s->{dir}/middle.png");
    system('convert', "$files/noise-1800x1200-q90.jpg", '-crop', '200x200+800+500', '+repage', "$s->{dir}/original.png");
    my ($psnr) = qx(compare -metric PSNR $s->{dir}/middle.png $s->{dir}/original.png null: 2>&1) =~ /^([\d.]+|inf)/;
    cmp_ok($psnr, '>', 25, 'the middle of the picture is seen, pixel for pixel');
    is_deeply([grep { !/favicon|WebGL/ } $browser->console], [], 'the console is silent');
}
is(join('', $s->trouble), '', 'nothing bad in the log');
$browser->stop;

done_testing();
