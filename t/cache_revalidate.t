# image_resize_cache: a result whose time is over is renewed without being made again where its source is what it was.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Cache;
use ImageGate::Fixtures qw(fixture_path slurp);
use ImageGate::Image qw(inspect);

needs_cache();

my $photo = '/photo-300x200.jpg';
my $short = 'location / { add_header Cache-Control max-age=1; }';
# Until what holds for a second does not any more.
sub expire { sleep 2.2 }

sub last_asked { my @lines = asked($_[0]); return $lines[-1] }

{
    my $name = 'an entity tag';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }', etag => 'on', origin => $short);
    my $c = $s->client;
    my $first = $c->get($photo);
    is_answer("$name - first", $first, 200, 'MISS');
    like(last_asked($s), qr/ 200 \[\] \[\]$/, "$name - first - asked without conditions");
    expire();
    my $second = $c->get($photo);
    is_answer("$name - later", $second, 200, 'REVALIDATED');
    ok($second->{body} eq $first->{body}, "$name - later - the same bytes");
    is($second->{h}{$_}, $first->{h}{$_}, "$name - later - $_") for qw(content-type content-length etag last-modified cache-control vary);
    like(last_asked($s), qr/ 304 \["[0-9a-f-]+"\] \[\w{3}, [^\]]+ GMT\]$/, "$name - later - asked whether it is the same");
    is_made($s, 1, "$name - made once");
    my $asked = () = asked($s);
    is_answer("$name - then", $c->get($photo), 200, 'HIT');
    is(scalar(asked($s)), $asked, "$name - then - nobody was asked");
    expire();
    is_answer("$name - once more", $c->get($photo), 200, 'REVALIDATED');
    is(lookups($s)->{revalidated}, 2, "$name - counted");

    # What the client has is about the variant.
    my $tag = $first->{h}{etag};
    expire();
    is_answer("$name - what the client has", $c->get($photo, 'If-None-Match' => $tag), 304, 'REVALIDATED');
    unlike(last_asked($s), qr/\Q$tag\E/, "$name - what the client has - is not asked for");
    like(last_asked($s), qr/ 304 /, "$name - what the client has - the source was asked");
    expire();
    is_answer("$name - what the client had", $c->get($photo, 'If-None-Match' => '"old"'), 200, 'REVALIDATED');
    expire();
    is_answer("$name - since", $c->get($photo, 'If-Modified-Since' => $first->{h}{'last-modified'}), 304, 'REVALIDATED');
    expire();
    is_answer("$name - a condition that fails", $c->get($photo, 'If-Match' => '"other"'), 412, 'REVALIDATED');
    expire();
    # By strong comparison, which a weak tag never passes.
    is_answer("$name - a weak tag, later", $c->get($photo, 'If-Match' => $tag), 412, 'REVALIDATED');
    is_answer("$name - a weak tag", $c->get($photo, 'If-Match' => $tag), 412, 'HIT');
    is_answer("$name - any tag", $c->get($photo, 'If-Match' => '*'), 200, 'HIT');
    expire();
    my $part = $c->get($photo, Range => 'bytes=10-19');
    is_answer("$name - a range", $part, 206, 'REVALIDATED');
    ok($part->{body} eq substr($first->{body}, 10, 10), "$name - a range - its bytes");
    expire();
    my $head = $c->head($photo);
    is_answer("$name - HEAD", $head, 200, 'REVALIDATED');
    is($head->{h}{'content-length'}, length $first->{body}, "$name - HEAD - length");
    is_answer("$name - after HEAD", $c->get($photo), 200, 'HIT');
    is_made($s, 1, "$name - made once all in all");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a source that changes';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }', etag => 'on', origin => $short);
    my $c = $s->client;
    my $first = $c->get($photo);
    is_answer("$name - first", $first, 200, 'MISS');
    copy(fixture_path('quad-300x200.jpg'), "$s->{dir}/files/new") or die $!;
    utime time + 5, time + 5, "$s->{dir}/files/new";
    rename "$s->{dir}/files/new", "$s->{dir}/files$photo" or die $!;
    expire();
    my $second = $c->get($photo);
    is_answer("$name - changed", $second, 200, 'EXPIRED');
    ok($second->{body} ne $first->{body}, "$name - changed - other bytes");
    is_made($s, 2, "$name - made again");
    is_answer("$name - then", $c->get($photo), 200, 'HIT');
    expire();
    my $third = $c->get($photo);
    is_answer("$name - the new one", $third, 200, 'REVALIDATED');
    ok($third->{body} eq $second->{body}, "$name - the new one - its bytes");
    unlink "$s->{dir}/files$photo";
    expire();
    is_answer("$name - gone", $c->get($photo), 404, 'EXPIRED');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'only a time';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }', origin => $short);
    my $c = $s->client;
    is_answer("$name - first", $c->get($photo), 200, 'MISS');
    expire();
    is_answer("$name - later", $c->get($photo), 200, 'REVALIDATED');
    like(last_asked($s), qr/ 304 \[\] \[\w{3}, [^\]]+ GMT\]$/, "$name - asked by that");
    is_made($s, 1, "$name - made once");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a source that answers by the whole';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }', workers => 1,
        origin => 'location / { if_modified_since off; add_header Cache-Control max-age=1; add_header ETag $arg_tag; limit_rate $arg_rate; }');
    my $c = $s->client;
    my %tags = (strong => ['"a"', 'REVALIDATED', 1], weak => ['W/"a"', 'EXPIRED', 2], none => ['', 'EXPIRED', 2]);
    my $made = 0;
    for my $what (sort keys %tags) {
        my ($tag, $expected, $times) = @{ $tags{$what} };
        my $uri = "$photo?tag=$tag";
        my $first = $c->get($uri);
        is_answer("$name - $what - first", $first, 200, 'MISS');
        expire();
        my $second = $c->get($uri);
        is_answer("$name - $what - later", $second, 200, $expected);
        ok($second->{body} eq $first->{body}, "$name - $what - the same bytes");
        is_answer("$name - $what - then", $c->get($uri), 200, 'HIT');
        is_made($s, $made += $times, "$name - $what - made");
    }
    # What is not read does not hold up the answer.
    my $uri = "$photo?tag=\"b\"&rate=4k";
    is_answer("$name - slow - first", $c->get($uri), 200, 'MISS');
    expire();
    my $start = time;
    is_answer("$name - slow - later", $c->get($uri), 200, 'REVALIDATED');
    cmp_ok(time - $start, '<', 1, "$name - slow - nobody waits for its body");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'what the answer says of time';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }
        location /valid/ { image_resize resize 100 -; ORIGIN/none/; image_resize_cache_valid 2s; }', etag => 'on',
        origin => q(
        set $more max-age=1;
        if ($http_if_none_match) { set $more $arg_then; }
        location / { add_header Cache-Control $more; }
        location /none/ { rewrite ^/none(.*) $1 break; }));
    my $c = $s->client;
    my %then = (
        long => ['max-age=60', 'HIT'],
        again => ['max-age=1', 'REVALIDATED'],
        nothing => ['', 'REVALIDATED'],
        store => ['no-store', 'REVALIDATED'],
        private => ['private', 'REVALIDATED'],
    );
    is_answer("$name - $_ - first", $c->get("$photo?then=$then{$_}[0]"), 200, 'MISS') for sort keys %then;
    is_answer("$name - valid - first", $c->get("/valid$photo"), 200, 'MISS');
    expire();
    is_answer("$name - $_ - later", $c->get("$photo?then=$then{$_}[0]"), 200, 'REVALIDATED') for sort keys %then;
    is_answer("$name - $_ - at once", $c->get("$photo?then=$then{$_}[0]"), 200, 'REVALIDATED') for qw(store private);
    is_answer("$name - nothing - as it said before", $c->get("$photo?then="), 200, 'HIT');
    sleep 1;
    is_answer("$name - valid - later", $c->get("/valid$photo"), 200, 'REVALIDATED');
    expire();
    is_answer("$name - $_ - in the end", $c->get("$photo?then=$then{$_}[0]"), 200, $then{$_}[1]) for sort keys %then;
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

# What nginx does not send on says how long all the same, also where it is not said again.
{
    my $name = 'what is hidden of the answer says of time';
    my $s = origin_server('image_resize_cache_valid 1h;
        location / { image_resize resize 100 -; ORIGIN; }
        location /hidden/ { image_resize resize 100 -; proxy_hide_header Cache-Control; proxy_hide_header Expires; ORIGIN/; }
        location /shown/ { image_resize resize 100 -; proxy_pass_header X-Accel-Expires; ORIGIN/; }', etag => 'on',
        origin => 'set $short 1; if ($http_if_none_match) { set $short ""; }
            location / { add_header X-Accel-Expires $short; }
            set $said max-age=1; if ($http_if_none_match) { set $said ""; }
            location /control/ { rewrite ^/control(.*) $1 break; add_header Cache-Control $said; }');
    my $c = $s->client;
    my %uris = (accel => $photo, hidden => "/hidden/control$photo", shown => "/shown$photo");
    is_answer("$name - $_ - first", $c->get($uris{$_}), 200, 'MISS') for sort keys %uris;
    for my $turn (1, 2) {
        expire();
        is_answer("$name - $_ - $turn", $c->get($uris{$_}), 200, 'REVALIDATED') for sort keys %uris;
        is_answer("$name - $_ - $turn - then", $c->get($uris{$_}), 200, 'HIT') for sort keys %uris;
    }
    my $r = $c->get($uris{accel});
    is($r->{h}{'x-accel-expires'}, undef, "$name - goes out to nobody");
    is($c->get($uris{hidden})->{h}{'cache-control'}, undef, "$name - neither what is hidden");
    is($c->get($uris{shown})->{h}{'x-accel-expires'}, 1, "$name - but what is passed on");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'off';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; image_resize_cache_revalidate off; }', etag => 'on', origin => $short);
    my $c = $s->client;
    my $first = $c->get($photo);
    is_answer("$name - first", $first, 200, 'MISS');
    expire();
    is_answer("$name - later", $c->get($photo), 200, 'EXPIRED');
    like(last_asked($s), qr/ 200 \[\] \[\]$/, "$name - asked without conditions");
    expire();
    is_answer("$name - what the client has", $c->get($photo, 'If-Modified-Since' => $first->{h}{'last-modified'}), 200, 'EXPIRED');
    like(last_asked($s), qr/ 200 \[\] \[\]$/, "$name - what the client has - is not asked for");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'variables';
    my $conditions = 'proxy_set_header If-None-Match $image_resize_cache_etag; proxy_set_header If-Modified-Since $image_resize_cache_last_modified;';
    my $s = origin_server("location / { image_resize resize 100 -; ORIGIN; proxy_pass_request_headers off; $conditions }
        location /both/ { image_resize resize 100 -; ORIGIN/; proxy_cache sources; proxy_cache_valid 200 1s; proxy_cache_key \$uri; $conditions }
        location /not/ { image_resize resize 100 -; ORIGIN/; proxy_pass_request_headers off; }", etag => 'on', origin => $short);
    my $c = $s->client;
    is_answer("$name - $_ - first", $c->get("$_$photo"), 200, 'MISS') for '', '/both', '/not';
    unlike(last_asked($s), qr/"/, "$name - first - asked without conditions");
    expire();
    for my $where ('', '/both') {
        is_answer("$name - $where - later", $c->get("$where$photo"), 200, 'REVALIDATED');
        like(last_asked($s), qr/ 304 \["[0-9a-f-]+"\] \[\w{3}, [^\]]+ GMT\]$/, "$name - $where - asked");
        is_answer("$name - $where - then", $c->get("$where$photo"), 200, 'HIT');
    }
    # Nobody said so to the source: it answers by the whole, whose tag is the same.
    is_answer("$name - without them", $c->get("/not$photo"), 200, 'REVALIDATED');
    like(last_asked($s), qr/ 200 \[\] \[\]$/, "$name - without them - asked");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'two tiers';
    my $s = origin_server('proxy_cache sources; proxy_cache_revalidate on; image_resize_cache_valid 1s;
        location / { image_resize resize 100 -; proxy_cache_key $uri; ORIGIN; proxy_ignore_headers Cache-Control; proxy_cache_valid 200 1m; }
        location /short/ { image_resize resize 100 -; proxy_cache_key $uri; ORIGIN/; }', etag => 'on', origin => $short);
    my $c = $s->client;
    is_answer("$name - $_ - first", $c->get("$_$photo"), 200, 'MISS') for '', '/short';
    expire();
    my $asked = () = asked($s);
    is_answer("$name - by what is kept of the source", $c->get($photo), 200, 'REVALIDATED');
    is(scalar(asked($s)), $asked, "$name - the origin was not asked");
    is_answer("$name - then", $c->get($photo), 200, 'HIT');
    is_answer("$name - by both", $c->get("/short$photo"), 200, 'REVALIDATED');
    like(last_asked($s), qr/ 304 /, "$name - by both - the origin was asked");
    is_made($s, 2, "$name - made once each");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

# A source that its own cache gives out although its time is over: what was made of it is the same.
{
    my $name = 'two tiers, and an origin that is gone';
    my $s = origin_server('proxy_cache sources; proxy_cache_use_stale error updating; proxy_cache_valid 200 1s; image_resize_cache_valid 1s;
        location / { image_resize resize 100 -; proxy_cache_key $uri; ORIGIN; }
        location /nothing/ { image_resize resize 100 -; proxy_cache_key $uri; ORIGIN; image_resize_cache_use_stale error updating; }
        location /anew/ { image_resize resize 100 -; proxy_cache_key $uri; ORIGIN; }', workers => 2,
        origin => 'if (-f $document_root/down) { return 444; }
            location / { }
            location /nothing/ { rewrite ^/nothing(.*) $1 break; add_header Last-Modified ""; }
            location /anew/ { rewrite ^/anew(.*) $1 break; add_header Last-Modified ""; }');
    my %first = map { $_ => $s->client->get("$_$photo") } '', '/nothing', '/anew';
    is_answer("$name - $_ - first", $first{$_}, 200, 'MISS') for sort keys %first;
    is_made($s, 3, "$name - made once each");
    open my $out, '>', "$s->{dir}/files/down" or die $!;
    expire();
    for my $where ('', '/nothing') {
        for (1 .. 4) {
            my $r = $s->client->get("$where$photo");
            is_answer("$name - $where - gone", $r, 200, 'STALE');
            ok($r->{body} eq $first{$where}{body}, "$name - $where - gone - its bytes");
        }
    }
    is_made($s, 3, "$name - nothing is made anew");
    # Nothing says that it is the same, or that it may go out all the same.
    is_answer("$name - anew", $s->client->get("/anew$photo"), 200, 'EXPIRED') for 1, 2;
    is_made($s, 5, "$name - anew - made");
    unlink "$s->{dir}/files/down";
    is_answer("$name - $_ - back again", $s->client->get("$_$photo"), 200, 'EXPIRED') for '/nothing', '/anew';
    is_answer("$name - $_ - and kept", $s->client->get("$_$photo"), 200, 'HIT') for '/nothing', '/anew';
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a crowd';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }', workers => 4, listen => 'reuseport', etag => 'on', origin => $short);
    is_answer("$name - first", $s->client->get($photo), 200, 'MISS');
    expire();
    my @clients = map { $s->client } 1 .. 30;
    $_->send('GET', $photo) for @clients;
    my %count;
    $count{ $_->recv->{h}{'x-cache'} }++ for @clients;
    is_deeply(\%count, { REVALIDATED => 1, HIT => 29 }, "$name - one asks, others wait");
    is(scalar(asked($s)), 2, "$name - asked once");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'Vary, redirects and what is not kept';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; image_resize_no_cache $arg_no; image_resize_cache_key $uri; }
        location /inner/ { internal; ORIGIN/; }', etag => 'on',
        origin => 'location / { add_header Cache-Control max-age=1; add_header Vary X-Side; if ($arg_move) { add_header X-Accel-Redirect /inner/quad-300x200.jpg; return 204; } }');
    my $c = $s->client;
    is_answer("$name - $_ - first", $c->get($photo, 'X-Side' => $_), 200, 'MISS') for qw(a b);
    expire();
    for my $side (qw(a b)) {
        is_answer("$name - $side - later", $c->get($photo, 'X-Side' => $side), 200, 'REVALIDATED');
        is_answer("$name - $side - then", $c->get($photo, 'X-Side' => $side), 200, 'HIT');
    }
    expire();
    is_answer("$name - no_cache", $c->get("$photo?no=1", 'X-Side' => 'a'), 200, 'REVALIDATED') for 1, 2;
    # What was asked for the picture's sake is not asked elsewhere.
    my $r = $c->get("$photo?move=1", 'X-Side' => 'a', 'If-None-Match' => '"mine"');
    my @lines = asked($s);
    like($lines[-2], qr/ 204 \["[0-9a-f-]+"\]/, "$name - a source that moves - asked whether it is the same");
    like($lines[-1], qr/ \["mine"\]/, "$name - a source that moves - what the client said goes where it goes");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

done_testing();
