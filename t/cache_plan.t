# image_resize_cache: what a location makes is known once where no request has a say in it, and only there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Cache;
use ImageGate::Fixtures qw(fixture_path);
use ImageGate::Image qw(inspect);
use ImageGate::Server;

needs_cache();

my $cache = 'image_resize_zone 1m; image_resize_cache_path cache levels=1:2 keys_zone=images:1m;';

sub server {
    my ($locations, %o) = @_;
    my $s = ImageGate::Server->new;
    $s->{http} = $cache . (($o{http} || '') =~ s/DIR/$s->{dir}/gr);
    mkdir "$s->{dir}/files$_" for '', qw(/one /two);
    copy(fixture_path('photo-300x200.jpg'), "$s->{dir}/files/$_") or die $! for qw(a.jpg one/a.jpg mark.jpg);
    copy(fixture_path('quad-300x200.jpg'), "$s->{dir}/files/two/a.jpg") or die $!;
    # Nothing is kept of a file that changed within the last 50 ms.
    sleep 0.1;
    $s->start(conf($s, $locations));
    return $s;
}

sub conf {
    my ($s, $locations) = @_;
    $locations =~ s/DIR/$s->{dir}/g;
    return "add_header X-Cache \$image_resize_cache_status always; image_resize_cache images; root $s->{dir}/files;
        location = /status { image_resize_status json; } $locations";
}

# Each of the addresses is made once, and then there, in whichever order.
sub each_is_its_own {
    my ($name, $s, @asked) = @_;
    my $c = $s->client;
    my @first = map { $c->get(@$_) } @asked;
    is_answer("$name - $asked[$_][0] - first", $first[$_], 200, 'MISS') for 0 .. $#asked;
    for my $turn (1, 2) {
        for my $at ($turn == 1 ? (0 .. $#asked) : reverse(0 .. $#asked)) {
            my $again = $c->get(@{ $asked[$at] });
            is_answer("$name - $asked[$at][0] - again", $again, 200, 'HIT');
            ok($again->{body} eq $first[$at]{body}, "$name - $asked[$at][0] - the same bytes");
            is($again->{h}{etag}, $first[$at]{h}{etag}, "$name - $asked[$at][0] - the same tag");
        }
    }
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
    return map { inspect($_->{body}) } @first;
}

{
    my $name = 'a variable';
    my $s = server('location / { image_resize resize $arg_w -; }');
    my @made = each_is_its_own($name, $s, ['/a.jpg?w=100'], ['/a.jpg?w=50']);
    is($made[0]{width}, 100, "$name - one");
    is($made[1]{width}, 50, "$name - another");
}

{
    my $name = 'parameters';
    my $s = server('location / { image_resize resize 100 -; image_resize_params $args; image_resize_allow width=50; }');
    my @made = each_is_its_own($name, $s, ['/a.jpg'], ['/a.jpg?width=50']);
    is($made[1]{width}, 50, "$name - another");
}

{
    my $name = 'what is accepted';
    my $s = server('location / { image_resize resize 100 -; image_resize_format auto; }');
    my @made = each_is_its_own($name, $s, ['/a.jpg'], ['/a.jpg', Accept => 'image/webp'], ['/a.jpg', Accept => 'image/avif']);
    is(join(' ', map { $_->{format} } @made), 'jpeg webp avif', "$name - formats");
    # More than are known at once, and one that is too long for that.
    my $c = $s->client;
    for my $turn (1, 2) {
        for my $at (1 .. 40, 400) {
            my $type = (qw(jpeg webp avif))[$at % 3];
            my $r = $c->get('/a.jpg', Accept => "image/$type" . ', text/plain' x $at);
            is_answer("$name - $turn $at", $r, 200, 'HIT');
            is(inspect($r->{body})->{format}, $type, "$name - $turn $at - its format");
        }
    }
}

{
    my $name = 'hints';
    my $s = server('location / { image_resize resize auto -; image_resize_hints on; }');
    my @made = each_is_its_own($name, $s, ['/a.jpg', 'Sec-CH-Width' => 100], ['/a.jpg', 'Sec-CH-Width' => 50]);
    is(join(' ', map { $_->{width} } @made), '100 50', "$name - widths");
}

{
    my $name = 'a mark by a variable';
    my $s = server('location / { image_resize resize 100 -; image_resize_watermark $mark scale=1; }',
        http => 'map $arg_mark $mark { default off; 1 DIR/files/mark.jpg; }');
    each_is_its_own($name, $s, ['/a.jpg'], ['/a.jpg?mark=1']);
}

{
    my $name = 'a root by a variable';
    my $s = server('location / { root $folder; image_resize resize 100 -; }',
        http => 'map $arg_dir $folder { volatile; default DIR/files/one; two DIR/files/two; }');
    my $c = $s->client;
    my $one = $c->get('/a.jpg');
    my $two = $c->get('/a.jpg?dir=two');
    is_answer("$name - one", $one, 200, 'MISS');
    is_answer("$name - two", $two, 200, 'MISS');
    ok($one->{body} ne $two->{body}, "$name - are two");
    for my $turn (1 .. 3) {
        my $r = $c->get('/a.jpg');
        is_answer("$name - one again", $r, 200, 'HIT');
        ok($r->{body} eq $one->{body}, "$name - one again - its bytes");
        $r = $c->get('/a.jpg?dir=two');
        is_answer("$name - two again", $r, 200, 'HIT');
        ok($r->{body} eq $two->{body}, "$name - two again - its bytes");
    }
}

{
    my $name = 'files without tags';
    my $s = server('location / { etag off; image_resize resize 50 -; } location /one/ { alias DIR/files/; image_resize resize 50 -; }');
    each_is_its_own($name, $s, ['/a.jpg'], ['/one/a.jpg']);
}

{
    my $name = 'media types of what is told';
    my $s = server('location / { image_resize_url iiif; image_resize_allow all; rewrite ^ $image_resize_source_path break; }');
    my $c = $s->client;
    my @types = qw(application/json application/ld+json);
    my %first = map { $_ => $c->get('/a.jpg/info.json', Accept => $_) } @types;
    isnt($first{$types[0]}{h}{etag}, $first{$types[1]}{h}{etag}, "$name - two tags");
    for my $type (@types) {
        is_answer("$name - $type", $first{$type}, 200, 'MISS');
        my $again = $c->get('/a.jpg/info.json', Accept => $type);
        is_answer("$name - $type - again", $again, 200, 'HIT');
        is($again->{h}{$_}, $first{$type}{h}{$_}, "$name - $type - again - $_") for qw(etag content-type);
    }
}

SKIP: {
    my $name = 'fonts of drawings';
    my @fonts = map { "/usr/share/fonts/truetype/dejavu/$_.ttf" } qw(DejaVuSans DejaVuSerif);
    skip 'no fonts of DejaVu here', 10 if grep { !-f } @fonts;
    my $conf = 'location / { image_resize resize 60 -; image_resize_format png; image_resize_svg_fonts DIR/fonts; }';
    my $s = ImageGate::Server->new(http => $cache);
    mkdir "$s->{dir}/$_" for qw(files fonts fonts/more);
    copy(fixture_path('photo-300x200.jpg'), "$s->{dir}/files/a.jpg") or die $!;
    open my $out, '>', "$s->{dir}/files/a.svg" or die $!;
    print $out '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30"><text y="20" font-family="DejaVu Serif">gRa</text></svg>';
    close $out;
    copy($fonts[0], "$s->{dir}/fonts/sans.ttf") or die $!;
    sleep 0.1;
    $s->start(conf($s, "types { image/svg+xml svg; image/jpeg jpg; } $conf"));
    my $reload = sub {
        my $old = $s->worker;
        $s->signal('HUP');
        ok($s->wait(20, sub { $s->left($old) }), "$name - reload");
    };
    my $first = $s->client->get('/a.svg');
    is_answer("$name - first", $first, 200, 'MISS');
    is_answer("$name - a photo", $s->client->get('/a.jpg'), 200, 'MISS');
    $reload->();
    is_answer("$name - the same ones", $s->client->get('/a.svg'), 200, 'HIT');
    copy($fonts[1], "$s->{dir}/fonts/more/serif.ttf") or die $!;
    $reload->();
    my $other = $s->client->get('/a.svg');
    is_answer("$name - another one", $other, 200, 'MISS');
    ok($other->{body} ne $first->{body}, "$name - another one - is used");
    is_answer("$name - another one - then", $s->client->get('/a.svg'), 200, 'HIT');
    is_answer("$name - another one - but a photo", $s->client->get('/a.jpg'), 200, 'HIT');
}

{
    my $name = 'another configuration';
    my $s = server('location / { image_resize resize 100 -; }');
    is_answer("$name - first", $s->client->get('/a.jpg'), 200, 'MISS');
    is_answer("$name - again", $s->client->get('/a.jpg'), 200, 'HIT');
    my $old = $s->worker;
    $s->write_conf(conf($s, 'location / { image_resize resize 50 -; }'));
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - is there");
    my $r = $s->client->get('/a.jpg');
    is_answer("$name - then", $r, 200, 'MISS');
    is(inspect($r->{body})->{width}, 50, "$name - then - its width");
    is_answer("$name - then again", $s->client->get('/a.jpg'), 200, 'HIT');
}

{
    my $name = 'many files';
    my $s = server('location / { image_resize resize 10 -; }');
    for (1 .. 40) {
        copy("$s->{dir}/files/" . ($_ % 2 ? 'one' : 'two') . '/a.jpg', "$s->{dir}/files/$_.jpg") or die $!;
    }
    sleep 0.1;
    each_is_its_own($name, $s, map { ["/$_.jpg"] } 1 .. 40);
    is(scalar(kept_files($s)), 40, "$name - a file each");
}

done_testing();
