# image_resize_cache: what must not be given out as something else.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib qw(compress crc32);
use File::Copy qw(copy);
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Cache;
use ImageGate::Fixtures qw(fixture_path);
use ImageGate::Server;

needs_cache();

# A server with an origin behind it, which has two pictures: photo is what it has by default, quad is the other.
sub server {
    my ($locations, %o) = @_;
    my $origin = delete $o{origin} || '';
    my $s = ImageGate::Server->new(%o);
    mkdir "$s->{dir}/files";
    copy(fixture_path("$_-300x200.jpg"), "$s->{dir}/files/$_.jpg") or die $! for qw(photo quad);
    sleep 0.1;
    $s->{http} = "image_resize_cache_path cache levels=1:2 keys_zone=images:1m;
        server {
            listen unix:$s->{dir}/origin.sock;
            root $s->{dir}/files;
            location / { $origin rewrite ^ /photo.jpg break; }
        }" . ($s->{http} || '');
    $locations = origin_of($s, $locations);
    $s->start("add_header X-Cache \$image_resize_cache_status always; root $s->{dir}/files;
        image_resize_cache images; $locations");
    return $s;
}

# A PNG of one gray, whose length is that of all others.
sub png {
    my $gray = shift;
    my $chunk = sub { my $data = join '', @_; pack('N', length($data) - 4) . $data . pack('N', crc32($data)) };
    my $rows = ("\0" . chr($gray) x 20) x 20;
    return "\x89PNG\r\n\x1a\n" . $chunk->('IHDR', pack('NNC5', 20, 20, 8, 0, 0, 0, 0)) . $chunk->('IDAT', compress($rows, 0)) . $chunk->('IEND');
}

# A picture that a location answers by itself, before anything is looked up.
my $none = q(<svg xmlns="http://www.w3.org/2000/svg" width="100" height="80"/>);

sub is_quiet { my ($name, $s) = @_; is(join('', $s->trouble), '', "$name - nothing bad in the log") }

{
    my $name = 'a placeholder that stands in for what is missing';
    my $make = 'image_resize resize 50 -; image_resize_format png;';
    my $s = server("location / { $make ORIGIN; error_page 404 500 =200 /none.svg; }
        location /named/ { $make ORIGIN; error_page 404 500 =200 \@none; }
        location /key/ { $make ORIGIN; error_page 404 500 =200 /none.svg; image_resize_cache_key \$uri; }
        location /stale/ { $make ORIGIN; error_page 404 500 =200 /none.svg; image_resize_cache_use_stale error; }
        location = /none.svg { internal; $make default_type image/svg+xml; return 200 '$none'; }
        location \@none { $make default_type image/svg+xml; return 200 '$none'; }
        proxy_intercept_errors on;",
        origin => 'set $inner ""; if (-f $document_root/moved) { set $inner /none.svg; } add_header X-Accel-Redirect $inner;
            if (-f $document_root/missing) { return 404; } if (-f $document_root/broken) { return 500; }');
    my $c = $s->client;
    for my $way (qw(missing broken moved)) {
        open my $out, '>', "$s->{dir}/files/$way" or die $!;
        my @uris = map { "$_/$way.jpg" } '', '/named', '/key', '/stale';
        my %got = map { $_ => $c->get($_) } @uris;
        for my $uri (@uris) {
            is_answer("$name - $uri", $got{$uri}, 200, 'MISS');
            is($got{$uri}{body} =~ /\A\x89PNG\r\n\x1a\n.{4}IHDR(.{8})/s && join('x', unpack 'NN', $1), '50x40', "$name - $uri - the placeholder");
        }
        unlink "$s->{dir}/files/$way";
        for my $uri (@uris) {
            my $r = $c->get($uri);
            is_answer("$name - $uri - back again", $r, 200, 'MISS');
            ok($r->{body} ne $got{$uri}{body}, "$name - $uri - back again - the picture");
            is_answer("$name - $uri - then", $c->get($uri), 200, 'HIT');
        }
    }
    is_quiet($name, $s);
}

{
    my $name = 'addresses that nginx takes for one';
    my $s = server('merge_slashes on; location / { image_resize resize 50 -; ORIGIN; }',
        origin => 'if ($request_uri ~ "%2F") { rewrite ^ /quad.jpg break; }');
    my $c = $s->client;
    my @got;
    for my $uri ('/raw/a%2Fb.png', '/raw/a/b.png') {
        push @got, my $r = $c->get($uri);
        is_answer("$name - $uri", $r, 200, 'MISS');
        is_answer("$name - $uri again", $c->get($uri), 200, 'HIT');
    }
    ok($got[0]{body} ne $got[1]{body}, "$name - two pictures");
    is_answer("$name - slashes", $c->get('/raw//a/b.png'), 200, 'MISS');
    is_quiet($name, $s);
}

{
    my $name = 'arguments that are parameters, too';
    my $origin = 'if ($arg_w = 20) { rewrite ^ /quad.jpg break; }';
    for my $mode ('resize 50 -', 'size') {
        my $s = server("location / { image_resize $mode; image_resize_params \$args; image_resize_allow width=*; ORIGIN; }", origin => $origin);
        my $c = $s->client;
        is_answer("$name - $mode - $_", $c->get("/a.jpg?$_"), 200, 'MISS') for qw(w=30 w=20 width=20);
        is_answer("$name - $mode - again", $c->get('/a.jpg?w=20'), 200, 'HIT');
        is_quiet("$name - $mode", $s);
    }
}

{
    my $name = 'what is for one client';
    my $s = server('location / { image_resize resize 50 -; ORIGIN; }
        location /key/ { image_resize resize 50 -; image_resize_cache_key $uri$http_authorization; ORIGIN; }
        location /said/ { image_resize resize 50 -; image_resize_cache_valid 1h; ORIGIN; }',
        origin => 'if ($http_authorization) { rewrite ^ /quad.jpg break; } if ($arg_age) { add_header Cache-Control max-age=60; }');
    my $c = $s->client;
    my %me = (Authorization => 'Bearer abc');
    my $mine = $c->get('/a.jpg', %me);
    is_answer("$name - mine", $mine, 200, undef);
    my $others = $c->get('/a.jpg');
    is_answer("$name - others", $others, 200, 'MISS');
    ok($mine->{body} ne $others->{body}, "$name - two pictures");
    is_answer("$name - others again", $c->get('/a.jpg'), 200, 'HIT');
    my $again = $c->get('/a.jpg', %me);
    is_answer("$name - mine again", $again, 200, undef);
    ok($again->{body} eq $mine->{body}, "$name - mine again - not theirs");
    is_answer("$name - by key", $c->get('/key/a.jpg', %me), 200, 'MISS');
    is_answer("$name - by key again", $c->get('/key/a.jpg', %me), 200, 'HIT');
    my %cookie = (Cookie => 'a=b');
    is_answer("$name - a cookie", $c->get('/b.jpg', %cookie), 200, 'MISS') for 1, 2;
    is_answer("$name - a cookie and a time of the origin", $c->get('/b.jpg?age=1', %cookie), 200, $_) for qw(MISS HIT);
    is_answer("$name - a cookie and a time of ours", $c->get('/said/b.jpg', %cookie), 200, $_) for qw(MISS HIT);
    is_quiet($name, $s);
}

{
    my $name = 'a variable of the answer';
    my $http = 'map $upstream_http_x_quality $quality { default 90; ~^(\d+)$ $1; }';
    my $conf = 'image_resize_jpeg_quality $quality; image_resize resize 200 -; ORIGIN;';
    my $s = server("location / { $conf } location /off/ { image_resize_cache off; $conf }
        location /by/ { image_resize_cache_bypass \$quality; $conf } location /key/ { image_resize_cache_key \$uri\$quality; $conf }",
        http => $http, origin => 'add_header X-Quality 10;');
    my $c = $s->client;
    my $off = $c->get('/off/a.jpg');
    is_answer("$name - without", $off, 200, undef);
    for (['/a.jpg', 'MISS'], ['/by/a.jpg', 'BYPASS'], ['/key/a.jpg', 'MISS']) {
        my ($uri, $cache) = @$_;
        for my $time (1, 2) {
            my $r = $c->get($uri);
            is_answer("$name - $uri, $time", $r, 200, $cache);
            ok($r->{body} eq $off->{body}, "$name - $uri, $time - as without");
        }
    }
    is_quiet($name, $s);
}

{
    my $name = 'a placeholder';
    for my $more ('', 'recursive_error_pages on;') {
        my $s = server("image_resize_cache_key \$request_uri; proxy_intercept_errors on; $more
            location / { image_resize resize 50 -; error_page 404 = \@placeholder; ORIGIN; }
            location /bad/ { image_resize resize 50 -; image_resize_on_error =\@placeholder; ORIGIN; }
            location \@placeholder { image_resize resize 50 -; rewrite ^ /quad.jpg break; ORIGIN; }",
            origin => 'if ($request_uri ~ quad) { rewrite ^ /quad.jpg break; } if (-f $document_root/up) { rewrite ^ /photo.jpg break; } if ($request_uri ~ ^/a) { return 404; } if ($request_uri ~ ^/bad/) { rewrite ^ /bad.jpg break; }');
        open my $bad, '>', "$s->{dir}/files/bad.jpg" or die $!;
        print $bad 'no picture';
        close $bad;
        my $c = $s->client;
        for my $uri ('/a.jpg', '/bad/a.jpg') {
            unlink "$s->{dir}/files/up";
            my $placeholder = $c->get($uri);
            is($placeholder->{status}, 200, "$name - $uri$more");
            open my $up, '>', "$s->{dir}/files/up" or die $!;
            my $picture = $c->get($uri);
            is_answer("$name - $uri - later$more", $picture, 200, 'MISS');
            ok($picture->{body} ne $placeholder->{body}, "$name - $uri - later - the picture$more");
            is_answer("$name - $uri - again$more", $c->get($uri), 200, 'HIT');
        }
    }
}

{
    my $name = 'a mirror';
    my $s = server('location / { image_resize resize 50 -; mirror /mirror; ORIGIN; }
        location = /mirror { internal; image_resize resize 50 -; ORIGIN; }');
    my $c = $s->client;
    is_answer("$name - first", $c->get('/a.jpg'), 200, 'MISS');
    sleep 0.3;
    is_answer("$name - again", $c->get('/a.jpg'), 200, 'HIT');
    is_quiet($name, $s);
}

{
    my $name = 'another host in the request line';
    my $s = server('location / { image_resize resize 50 -; proxy_set_header Host $http_host; ORIGIN; }',
        origin => 'if ($http_host = quad) { rewrite ^ /quad.jpg break; }');
    my @got = map {
        my $c = $s->client;
        $c->send_raw("GET http://localhost/a.jpg HTTP/1.1\r\nHost: $_\r\nConnection: close\r\n\r\n");
        $c->recv;
    } qw(quad photo);
    is_answer("$name - $_", $got[$_], 200, 'MISS') for 0, 1;
    ok($got[0]{body} ne $got[1]{body}, "$name - two pictures");
    is_quiet($name, $s);
}

{
    my $name = 'another mark with the same length and time';
    my $s = server('location / { image_resize resize 100 -; image_resize_watermark $document_root/mark.png; }');
    my $c = $s->client;
    my @got;
    for my $gray (0, 255) {
        my $mark = "$s->{dir}/files/mark.png";
        open my $out, '>:raw', "$mark.new" or die $!;
        print $out png($gray);
        close $out;
        utime 1_000_000_000, 1_000_000_000, "$mark.new" or die $!;
        rename "$mark.new", $mark or die $!;
        sleep 1.2;
        push @got, my $r = $c->get('/photo.jpg');
        is_answer("$name - $gray", $r, 200, 'MISS');
        is_answer("$name - $gray again", $c->get('/photo.jpg'), 200, 'HIT');
    }
    ok($got[0]{body} ne $got[1]{body}, "$name - two pictures");
    is_quiet($name, $s);
}

{
    my $name = 'a mark that changes after it was looked at';
    my $conf = 'location / { image_resize resize 100 -; image_resize_watermark $document_root/mark.png; }';
    my $s = server($conf);
    my $mark = "$s->{dir}/files/mark.png";
    my $put = sub {
        open my $out, '>:raw', "$mark.new" or die $!;
        print $out png(shift);
        close $out;
        rename "$mark.new", $mark or die $!;
    };
    $put->(0);
    sleep 0.1;
    is_answer("$name - first", $s->client->get('/photo.jpg'), 200, 'MISS');
    # A worker that has looked at the mark, but not read it.
    $s->stop;
    unlink "$s->{dir}/origin.sock";
    $s->start("add_header X-Cache \$image_resize_cache_status always; root $s->{dir}/files; image_resize_cache images; $conf");
    my $start = time;
    is_answer("$name - looked at", $s->client->get('/photo.jpg'), 200, 'HIT');
    $put->(255);
    my @r = map { $s->client->get('/quad.jpg') } 1, 2;
    SKIP: {
        skip 'too slow', 4 if time - $start > 0.9;
        is_answer("$name - not kept", $_, 200, 'MISS') for @r;
    }
    sleep 1.2;
    my $r = $s->client->get('/quad.jpg');
    is($r->{status}, 200, "$name - once it is seen");
    ok($r->{body} eq $r[0]{body}, "$name - the mark of then");
    is_answer("$name - kept", $s->client->get('/quad.jpg'), 200, 'HIT');
    is_answer("$name - the other, too", $s->client->get('/photo.jpg'), 200, $_) for qw(MISS HIT);
    is_quiet($name, $s);
}

{
    my $name = 'captures of a map';
    my $conf = 'image_resize resize $1 -; image_resize_jpeg_quality $quality;';
    my $s = server("location ~ ^/file/(\\d+)/(.+)\$ { $conf alias files/\$2; }
        location ~ ^/up/(\\d+)/(.+)\$ { $conf image_resize_cache_key \"\$1 \$2 \$quality\"; image_resize_cache_bypass \$bypass;
            image_resize_cache_purge \$purge; ORIGIN/\$2?\$1; }
        location ~ ^/off/(\\d+)/(.+)\$ { image_resize_cache off; $conf ORIGIN/\$2?\$1; }",
        http => 'map $arg_q $quality { default 80; "~^(\d+)x(\w+)$" $1; }
            map $arg_b $bypass { default 0; "~^(\d+)x(\w+)$" $1; } map $arg_p $purge { default 0; "~^(\d+)x(\w+)$" $1; }',
        origin => 'if ($request_uri = /quad.jpg?60) { rewrite ^ /quad.jpg break; }');
    my $c = $s->client;
    my $args = 'q=20xa&b=0xb&p=0xc';
    my $off = $c->get("/off/60/quad.jpg?$args");
    is_answer("$name - without", $off, 200, undef);
    for my $at ('file', 'up') {
        for my $expected (qw(MISS HIT)) {
            my $r = $c->get("/$at/60/quad.jpg?$args");
            is_answer("$name - $at", $r, 200, $expected);
            ok($r->{body} eq $off->{body}, "$name - $at - the same as without");
        }
    }
    is_answer("$name - another size", $c->get("/file/50/quad.jpg?$args"), 200, 'MISS');
    is_quiet($name, $s);
}

{
    my $name = 'a folder that was removed';
    my $s = server('location / { image_resize resize 50 -; }');
    my $c = $s->client;
    system('rm', '-rf', "$s->{dir}/cache");
    is_answer("$name - first", $c->get('/photo.jpg'), 200, 'MISS');
    is_answer("$name - again", $c->get('/photo.jpg'), 200, 'HIT');
    is(sprintf('%o', (stat "$s->{dir}/cache")[2] & 07777), '700', "$name - nobody else's");
    is_quiet($name, $s);
}

{
    my $name = 'limits';
    my $conf = 'rewrite ^/.(/photo.jpg)$ $1 break; image_resize resize 50 -;';
    my $s = server("location /a/ { $conf } location /b/ { $conf image_resize_limit pixels=1000; }
        location /c/ { $conf image_resize_buffer 1k; }");
    my $c = $s->client;
    is_answer("$name - none", $c->get('/a/photo.jpg'), 200, $_) for qw(MISS HIT);
    is($c->get("/$_/photo.jpg")->{status}, 415, "$name - $_") for qw(b c);
}

done_testing();
