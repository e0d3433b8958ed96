# image_resize_cache: what is kept of the answers of upstreams, and for how long.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Cache;
use ImageGate::Image qw(inspect);

needs_cache();

my $photo = '/photo-300x200.jpg';

{
    my $name = 'an upstream';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }',
        origin => 'add_header Cache-Control "max-age=60"; add_header X-Kept a; add_header Content-Disposition "attachment; filename=a.png";');
    my $c = $s->client;
    my $first = $c->get($photo);
    is_answer("$name - first", $first, 200, 'MISS');
    is(inspect($first->{body})->{width}, 100, "$name - a picture");
    my $second = $c->get($photo);
    is_answer("$name - second", $second, 200, 'HIT');
    ok($second->{body} eq $first->{body}, "$name - the same bytes");
    for (qw(content-type content-length etag last-modified cache-control x-kept content-disposition)) {
        is($second->{h}{$_}, $first->{h}{$_}, "$name - $_");
    }
    is(scalar(asked($s)), 1, "$name - asked once");
    is_made($s, 1, "$name - made once");
    is_answer("$name - HEAD", $c->head($photo), 200, 'HIT');
    is_answer("$name - range", $c->get($photo, Range => 'bytes=0-9'), 206, 'HIT');
    is_answer("$name - not modified", $c->get($photo, 'If-Modified-Since' => $first->{h}{'last-modified'}), 304, 'HIT');
    is_answer("$name - other arguments", $c->get("$photo?a"), 200, 'MISS');
    is_answer("$name - another host", $c->get($photo, Host => 'other'), 400, undef);
    is_answer("$name - HEAD of what is not there", $c->head("$photo?b"), 200, 'MISS');
    is_answer("$name - then GET", $c->get("$photo?b"), 200, 'MISS');
    is_answer("$name - missing", $c->get('/no.jpg'), 404, 'MISS') for 1, 2;
    is_answer("$name - no picture", $c->get('/text.txt'), 415, 'MISS') for 1, 2;
    is_answer("$name - POST", $c->request('POST', $photo, 'Content-Length' => 0), 405, undef);
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'headers';
    my $soon = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + 100));
    my %headers = (
        none => ['', 'HIT'],
        maxage => ['add_header Cache-Control "public, max-age=60";', 'HIT'],
        zero => ['add_header Cache-Control max-age=0;', 'MISS'],
        store => ['add_header Cache-Control no-store;', 'MISS'],
        private => ['add_header Cache-Control "private, max-age=60";', 'MISS'],
        expires => ["add_header Expires \"$soon\";", 'HIT'],
        past => ['add_header Expires "Thu, 01 Jan 1970 00:00:01 GMT";', 'MISS'],
        accel => ['add_header X-Accel-Expires 60; add_header Cache-Control no-store;', 'HIT'],
        accelnot => ['add_header X-Accel-Expires 0; add_header Cache-Control max-age=60;', 'MISS'],
        cookie => ['add_header Set-Cookie a=b;', 'MISS'],
        varyall => ['add_header Vary *;', 'MISS'],
    );
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }
        location /ignored/ { image_resize resize 100 -; ORIGIN/; proxy_ignore_headers Cache-Control Set-Cookie Expires; }',
        origin => join ' ', map { "location /$_/ { rewrite ^/$_(.*) \$1 break; $headers{$_}[0] }" } sort keys %headers);
    my $c = $s->client;
    for my $what (sort keys %headers) {
        is_answer("$name - $what", $c->get("/$what$photo"), 200, 'MISS');
        is_answer("$name - $what again", $c->get("/$what$photo"), 200, $headers{$what}[1]);
    }
    for my $what (qw(store cookie past)) {
        my $r = $c->get("/ignored/$what$photo");
        is_answer("$name - $what, ignored", $r, 200, 'MISS');
        $r = $c->get("/ignored/$what$photo");
        is_answer("$name - $what, ignored, again", $r, 200, 'HIT');
        is($r->{h}{'set-cookie'}, undef, "$name - $what - no cookie is kept");
    }
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'time';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; image_resize_cache_valid 1s; }
        location /any/ { image_resize resize 100 -; ORIGIN/; image_resize_cache_valid any 0; }
        location /said/ { image_resize resize 100 -; ORIGIN/; image_resize_cache_valid 1h; }',
        origin => 'location /one/ { rewrite ^/one(.*) $1 break; add_header Cache-Control max-age=1; }');
    my $c = $s->client;
    for my $uri ($photo, "/said/one$photo") {
        is_answer("$name - $uri", $c->get($uri), 200, 'MISS');
        is_answer("$name - $uri - at once", $c->get($uri), 200, 'HIT');
    }
    sleep 2.2;
    for my $uri ($photo, "/said/one$photo") {
        is_answer("$name - $uri - later", $c->get($uri), 200, 'REVALIDATED');
        is_answer("$name - $uri - then", $c->get($uri), 200, 'HIT');
    }
    is_answer("$name - none", $c->get("/any$photo"), 200, 'MISS') for 1, 2;
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'Vary';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }
        location /auto/ { image_resize resize 100 -; image_resize_format auto=webp; ORIGIN/; }',
        origin => 'location / { add_header Vary X-Side; if ($http_x_side = b) { rewrite ^ /quad-300x200.jpg break; } }');
    my $c = $s->client;
    my %got;
    for my $side (qw(a b)) {
        my $r = $got{$side} = $c->get($photo, 'X-Side' => $side);
        is_answer("$name - $side", $r, 200, 'MISS');
    }
    ok($got{a}{body} ne $got{b}{body}, "$name - two pictures");
    for my $side (qw(a b a b)) {
        my $r = $c->get($photo, 'X-Side' => $side);
        is_answer("$name - $side again", $r, 200, 'HIT');
        ok($r->{body} eq $got{$side}{body}, "$name - $side - its own bytes");
    }
    is_answer("$name - neither", $c->get($photo), 200, 'MISS');
    is($c->get("/auto$photo", 'X-Side' => 'a')->{h}{vary}, 'X-Side, Accept', "$name - and Accept");
    my $hit = $c->get("/auto$photo", 'X-Side' => 'a');
    is_answer("$name - and Accept, again", $hit, 200, 'HIT');
    is($hit->{h}{vary}, 'X-Side, Accept', "$name - and Accept, said again");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'two tiers';
    my $s = origin_server('proxy_cache sources; proxy_cache_valid 200 2s; add_header X-Source $upstream_cache_status;
        location / { image_resize resize $arg_w -; proxy_cache_key $uri; ORIGIN; }
        location /no/ { image_resize resize 100 -; image_resize_cache off; proxy_cache_key $uri; ORIGIN/; }');
    my $c = $s->client;
    my $first = $c->get("$photo?w=50");
    is_answer("$name - first", $first, 200, 'MISS');
    is($first->{h}{'x-source'}, 'MISS', "$name - first - source");
    my $second = $c->get("$photo?w=60");
    is_answer("$name - another", $second, 200, 'MISS');
    is($second->{h}{'x-source'}, 'HIT', "$name - another - source");
    my $third = $c->get("$photo?w=50");
    is_answer("$name - again", $third, 200, 'HIT');
    ok($third->{body} eq $first->{body}, "$name - again - the same bytes");
    is(scalar(asked($s)), 1, "$name - asked once");
    sleep 3.2;
    is_answer("$name - no longer than the source", $c->get("$photo?w=60"), 200, 'EXPIRED');
    is_answer("$name - a HEAD", $c->head("$photo?w=60"), 200, 'HIT');
    is_answer("$name - without ours", $c->get("/no$photo"), 200, undef);
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a stale source';
    my $s = origin_server('proxy_cache sources; proxy_cache_valid 200 1s; proxy_cache_use_stale http_500; proxy_cache_key $uri;
        location / { image_resize resize 50 -; ORIGIN; }',
        origin => 'location / { if (-f $document_root/broken) { return 500; } }');
    my $c = $s->client;
    is_answer("$name - first", $c->get($photo), 200, 'MISS');
    sleep 2.2;
    open my $out, '>', "$s->{dir}/files/broken" or die $!;
    # It is the same, and what was made of it goes out; what was not made before is not kept.
    is_answer("$name - stale", $c->get($photo), 200, 'STALE') for 1, 2;
    is_answer("$name - stale, cold", $c->get("$photo?cold"), 200, 'MISS') for 1, 2;
    unlink "$s->{dir}/files/broken";
    is_answer("$name - mended", $c->get($photo), 200, 'EXPIRED');
    is_answer("$name - kept", $c->get($photo), 200, 'HIT');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'when it is kept';
    my $s = origin_server('location / { image_resize resize 50 -; ORIGIN; image_resize_no_cache $arg_no $cookie_no; image_resize_cache_bypass $arg_by; image_resize_cache_key $uri; }
        location /uses/ { image_resize resize 50 -; ORIGIN/; image_resize_cache_min_uses 3; }
        location /late/ { image_resize resize 50 -; image_resize_format $upstream_http_x_format; ORIGIN/; }
        location /empty/ { image_resize resize 50 -; ORIGIN/; image_resize_cache_key $arg_none; }
        location /args/ { image_resize resize 50 -; image_resize_params $args; image_resize_allow width=*; ORIGIN/; }',
        origin => 'location /quality/ { rewrite ^/quality(.*) $1 break; add_header X-Format webp; }');
    my $c = $s->client;
    is_answer("$name - no_cache", $c->get("$photo?no=1"), 200, 'MISS') for 1, 2;
    is_answer("$name - no_cache 0", $c->get("$photo?no=0"), 200, 'MISS');
    is_answer("$name - then", $c->get("$photo?no=1"), 200, 'HIT');
    my $before = () = asked($s);
    is_answer("$name - bypass", $c->get("$photo?by=1"), 200, 'BYPASS');
    is(scalar(asked($s)), $before + 1, "$name - bypass - asked");
    is_answer("$name - bypass is kept", $c->get($photo), 200, 'HIT');
    for my $expected (qw(MISS MISS MISS HIT)) {
        is_answer("$name - uses", $c->get("/uses$photo"), 200, $expected);
    }
    is_answer("$name - a plan that the source decides", $c->get("/late/quality$photo"), 200, 'MISS') for 1, 2;
    is_answer("$name - an empty key", $c->get("/empty$photo"), 200, undef) for 1, 2;
    is_answer("$name - arguments as parameters", $c->get("/args$photo?width=40"), 200, 'MISS');
    is_answer("$name - the same in other words", $c->get("/args$photo?w=40"), 200, 'MISS');
    is_answer("$name - the same", $c->get("/args$photo?w=40"), 200, 'HIT');
    is_answer("$name - others", $c->get("/args$photo?w=41"), 200, 'MISS');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'errors that are kept';
    my $s = origin_server('image_resize_cache_valid 415 10s; location / { image_resize resize 50 -; ORIGIN; }',
        origin => 'location /no/ { rewrite ^/no(.*) $1 break; add_header Cache-Control no-store; } location /vary/ { rewrite ^/vary(.*) $1 break; add_header Vary X-Side; }');
    my $c = $s->client;
    is_answer("$name - first", $c->get('/text.txt'), 415, 'MISS');
    my $asked = () = asked($s);
    is_answer("$name - again", $c->get('/text.txt'), 415, 'HIT');
    is(scalar(asked($s)), $asked, "$name - again - nobody was asked");
    is_answer("$name - no-store", $c->get('/no/text.txt'), 415, 'MISS') for 1, 2;
    is_answer("$name - Vary", $c->get('/vary/text.txt'), 415, 'MISS') for 1, 2;
    is_answer("$name - missing", $c->get('/none.jpg'), 404, 'MISS') for 1, 2;
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'two locations of one name';
    my $s = origin_server('location / { image_resize resize 50 -; ORIGIN; if ($arg_x) { ORIGIN; } if ($arg_y) { set $t 1; ORIGIN; } }
        location ~ ^/a { rewrite ^/a(.*) $1 break; image_resize resize 50 -; ORIGIN; }
        location ~ ^/b { rewrite ^/b.*$ /quad-300x200.jpg break; image_resize resize 50 -; ORIGIN; }');
    my $c = $s->client;
    is_answer("$name - $_", $c->get($_), 200, 'MISS') for $photo, "$photo?x=1", "$photo?y=1", "/a$photo", "/b$photo";
    is_answer("$name - $_ again", $c->get($_), 200, 'HIT') for $photo, "$photo?x=1", "$photo?y=1", "/a$photo", "/b$photo";
    ok($c->get("/a$photo")->{body} ne $c->get("/b$photo")->{body}, "$name - two pictures");
}

{
    my $name = 'an upstream that breaks off';
    my $s = origin_server('location / { image_resize resize 50 -; ORIGIN; proxy_http_version 1.0; }', workers => 1,
        origin => 'location / { limit_rate 1k; }');
    my $c = $s->client(timeout => 5);
    $c->send('GET', $photo);
    sleep 0.5;
    my ($origin) = 1;
    $c->abort;
    is($s->client->get('/ready')->{status}, 200, "$name - the worker is there");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'what is not kept is not waited for';
    my $s = origin_server('location / { image_resize resize 50 -; ORIGIN; }', workers => 2,
        origin => 'location / { add_header Cache-Control no-store; limit_rate 30k; }');
    my $c = $s->client;
    is_answer("$name - first", $c->get($photo), 200, 'MISS');
    my $start = time;
    my @clients = map { $s->client } 1 .. 8;
    $_->send('GET', $photo) for @clients;
    is($_->recv->{status}, 200, "$name - answered") for @clients;
    cmp_ok(time - $start, '<', 5, "$name - side by side");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

done_testing();
