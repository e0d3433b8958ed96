# image_resize_cache: what is old goes out at once, and is made anew by a request beside that.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Cache;
use ImageGate::Fixtures qw(fixture_path slurp);

needs_cache();

my $photo = '/photo-300x200.jpg';
my $update = 'image_resize_cache_use_stale updating; image_resize_cache_background_update on;';
sub expire { sleep 2.2 }

# One whose answers hold for a second, or for a minute and come in three seconds once there is a file "slow".
my $slow = 'if_modified_since off; set $rate 0; set $age 1; if (-f $document_root/slow) { set $rate 6k; set $age 60; }
    limit_rate $rate; add_header Cache-Control max-age=$age;';
sub put { my ($s, $from, $to) = @_; copy(fixture_path($from), "$s->{dir}/files/$to") or die $! }
sub slow_down { my ($s) = @_; open my $out, '>', "$s->{dir}/files/slow" or die $! }

# Waits until what is kept is new.
sub is_renewed {
    my ($name, $s, $uri) = @_;
    ok($s->wait(8, sub { ($s->client->get($uri)->{h}{'x-cache'} || '') eq 'HIT' }), "$name - made anew");
}

for my $threads ('', 'image_resize_threads off;') {
    my $name = "at once $threads";
    my $s = origin_server("location / { image_resize resize 100 -; $threads $update ORIGIN; }", workers => 2, origin => "location / { $slow }");
    my $c = $s->client;
    my $first = $c->get($photo);
    is_answer("$name - first", $first, 200, 'MISS');
    expire();
    slow_down($s);
    put($s, 'photo-300x200-icc_a98.jpg', 'photo-300x200.jpg');
    my $start = time;
    my $stale = $s->client->get($photo);
    is_answer("$name - old", $stale, 200, 'STALE');
    ok($stale->{body} eq $first->{body}, "$name - old - its bytes");
    is($stale->{h}{$_}, $first->{h}{$_}, "$name - old - $_") for qw(content-type content-length etag last-modified);
    is_answer("$name - others", $s->client->get($photo), 200, 'UPDATING') for 1 .. 5;
    cmp_ok(time - $start, '<', 1, "$name - nobody waits");
    is_renewed($name, $s, $photo);
    my $new = $s->client->get($photo);
    ok($new->{body} ne $first->{body}, "$name - new bytes");
    is(scalar(asked($s)), 2, "$name - asked once for that");
    is(lookups($s)->{stale}, 1, "$name - counted");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a source that is what it was';
    my $s = origin_server("location / { image_resize resize 100 -; $update ORIGIN; }", etag => 'on',
        origin => 'location / { add_header Cache-Control max-age=1; }');
    my $c = $s->client;
    my $first = $c->get($photo);
    my $tag = $first->{h}{etag};
    my @kinds = ([200], [304, 'If-None-Match' => $tag], [206, Range => 'bytes=1-9'], [304, 'If-Modified-Since' => $first->{h}{'last-modified'}]);
    for my $kind (@kinds) {
        expire();
        my ($status, %h) = @$kind;
        is_answer("$name - $status", $c->get($photo, %h), $status, 'STALE');
        is_answer("$name - $status - the connection goes on", $c->get($photo), 200, 'HIT');
        my @lines = asked($s);
        like($lines[-1], qr/^GET \S+ 304 \["[0-9a-f-]+"\]/, "$name - $status - asked");
        unlike($lines[-1], qr/\Q$tag\E/, "$name - $status - not about what the client has");
    }
    expire();
    is_answer("$name - HEAD", $c->head($photo), 200, 'STALE');
    is_answer("$name - HEAD - then", $c->get($photo), 200, 'HIT');
    is(scalar(asked($s)), 6, "$name - asked each time");
    is_made($s, 1, "$name - made once");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'what can not be made anew';
    my $s = origin_server("error_page 404 500 502 =200 /page; location = /page { return 200 page; }
        location / { image_resize resize 100 -; $update ORIGIN; }
        location /keep/ { image_resize resize 100 -; $update ORIGIN/; proxy_intercept_errors on; }
        location /inner/ { internal; alias files/; }",
        origin => 'location / { if_modified_since off; add_header Cache-Control max-age=1;
            if (-f $document_root/broken) { return 500; } if (-f $document_root/store) { add_header Cache-Control no-store; }
            if (-f $document_root/moved) { add_header X-Accel-Redirect /inner/quad-300x200.jpg; return 204; } }');
    my $c = $s->client;
    my $first = $c->get($photo);
    is_answer("$name - first", $c->get("$_$photo"), 200, $_ ? 'MISS' : 'HIT') for '', '/keep';
    expire();
    my $way = sub { open my $out, '>', "$s->{dir}/files/$_[0]" or die $! };
    $way->('broken');
    for (1, 2) {
        for my $where ('', '/keep') {
            my $r = $c->get("$where$photo");
            is_answer("$name - broken - $where", $r, 200, 'STALE');
            ok($r->{body} eq $first->{body}, "$name - broken - $where - its bytes");
        }
    }
    # What is asked for beside the last one may come later than that.
    ok($s->wait(5, sub { asked($s) == 6 }), "$name - broken - asked each time");
    unlink "$s->{dir}/files/broken";
    $way->('moved');
    is_answer("$name - moved - $_", $c->get("$_$photo"), 200, 'STALE') for '', '/keep';
    for (1, 2) {
        for my $where ('', '/keep') {
            my $r = $c->get("$where$photo");
            is_answer("$name - moved - $where - then", $r, 200, 'EXPIRED');
            ok($r->{body} eq slurp(fixture_path('quad-300x200.jpg')), "$name - moved - $where - then - where it leads");
        }
    }
    unlink "$s->{dir}/files/moved";
    is_answer("$name - back again", $c->get($photo), 200, 'EXPIRED');
    is_answer("$name - back again - then", $c->get($photo), 200, 'HIT');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

# What the source answers by now, which is nothing that is kept, is what the next request gets; and no later one the old one.
{
    my $name = 'another answer';
    my @statuses = (301, 403, 404, 410);
    my @others = (400, 401, 429, 503);
    my $ways = join ' ', map { "if (-f \$document_root/$_) { return $_; }" } @statuses, @others;
    my $s = origin_server("location / { image_resize resize 100 -; $update ORIGIN; }
        location /stays/ { image_resize resize 100 -; image_resize_cache_use_stale updating http_404; image_resize_cache_background_update on; ORIGIN/; }
        location /valid/ { image_resize resize 100 -; $update image_resize_cache_valid 415 1m; ORIGIN/; }",
        origin => "location / { if_modified_since off; set \$more max-age=1; if (-f \$document_root/store) { set \$more no-store; }
            add_header Cache-Control \$more; $ways }");
    my $c = $s->client;
    my $way = sub { open my $out, '>', "$s->{dir}/files/$_[0]" or die $! };
    my $first = $c->get($photo);
    is_answer("$name - first", $first, 200, 'MISS');
    for my $status (@statuses) {
        expire();
        $way->($status);
        my $stale = $c->get($photo);
        is_answer("$name - $status - at once", $stale, 200, 'STALE');
        ok($stale->{body} eq $first->{body}, "$name - $status - at once - its bytes");
        is_answer("$name - $status - then", $c->get($photo), $status, 'EXPIRED') for 1 .. 3;
        unlink "$s->{dir}/files/$status";
        my $back = $c->get($photo);
        is_answer("$name - $status - back again", $back, 200, 'EXPIRED');
        ok($back->{body} eq $first->{body}, "$name - $status - back again - its bytes");
        is_answer("$name - $status - kept again", $c->get($photo), 200, 'HIT');
    }
    # It is about who asks, the source has no time, or is broken.
    for my $status (@others) {
        expire();
        $way->($status);
        my $before = asked($s);
        is_answer("$name - $status", $c->get($photo), 200, 'STALE') for 1 .. 3;
        ok($s->wait(5, sub { asked($s) == $before + 3 }), "$name - $status - asked each time");
        unlink "$s->{dir}/files/$status";
        is_answer("$name - $status - back again", $c->get($photo), 200, 'STALE');
    }
    is_answer("$name - stands in - first", $c->get("/stays$photo"), 200, 'MISS');
    is_answer("$name - valid - first", $c->get("/valid$photo"), 200, 'MISS');
    expire();
    $way->(404);
    is_answer("$name - stands in", $c->get("/stays$photo"), 200, 'STALE') for 1 .. 3;
    unlink "$s->{dir}/files/404";
    put($s, 'text.txt', 'photo-300x200.jpg');
    is_answer("$name - no picture", $c->get($photo), 200, 'STALE');
    like($s->log, qr/image_resize: not_image/, "$name - no picture - is logged") if $s->wait(3, sub { $s->log =~ /not_image/ });
    is_answer("$name - no picture - then", $c->get($photo), 415, 'EXPIRED') for 1, 2;
    my $valid = "$name - no picture - that is kept";
    is_answer($valid, $c->get("/valid$photo"), 200, 'STALE');
    is_answer("$valid - then", $c->get("/valid$photo"), 415, 'EXPIRED');
    is_answer("$valid - later", $c->get("/valid$photo"), 415, 'HIT');
    put($s, 'photo-300x200.jpg', 'photo-300x200.jpg');
    is_answer("$name - a picture again", $c->get($photo), 200, 'EXPIRED');
    expire();
    $way->('store');
    put($s, 'quad-300x200.jpg', 'photo-300x200.jpg');
    is_answer("$name - that is not kept", $c->get($photo), 200, 'STALE');
    for my $seconds (0, 5.5, 0) {
        sleep $seconds;
        my $new = $c->get($photo);
        is_answer("$name - that is not kept - $seconds", $new, 200, 'EXPIRED');
        ok($new->{body} ne $first->{body}, "$name - that is not kept - $seconds - the new one");
    }
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'clients that leave';
    my $s = origin_server("location / { image_resize resize 100 -; $update ORIGIN; }", origin => "location / { $slow }");
    is_answer("$name - first", $s->client->get($photo), 200, 'MISS');
    expire();
    slow_down($s);
    my $c = $s->client;
    is_answer("$name - old", $c->get($photo), 200, 'STALE');
    $c->abort;
    is_renewed($name, $s, $photo);
    is(scalar(asked($s)), 2, "$name - asked once for that");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'an updater that is killed';
    my $s = origin_server("location / { image_resize resize 100 -; $update ORIGIN; }", workers => 2, listen => 'reuseport', origin => "location / { $slow }");
    is_answer("$name - first", $s->client->get($photo), 200, 'MISS');
    expire();
    slow_down($s);
    my $c = $s->client;
    my $pid = $c->get('/ready')->{body};
    is_answer("$name - old", $c->get($photo), 200, 'STALE');
    is_answer("$name - while it lives", $s->client->get($photo), 200, 'UPDATING');
    kill 'KILL', $pid;
    ok($s->wait(3, sub { ($s->client->get($photo)->{h}{'x-cache'} || '') eq 'STALE' }), "$name - the next one updates");
    is_renewed($name, $s, $photo);
    my @bad = grep { !/exited on signal 9/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing else in the log");
}

{
    my $name = 'what a request costs';
    my $s = origin_server("location / { auth_request /auth; image_resize resize 100 -; $update ORIGIN; }
        location = /auth { internal; ORIGIN/allowed; }
        location /said/ { image_resize resize 100 -; image_resize_cache_background_update on; ORIGIN/; }
        location /not/ { image_resize resize 100 -; image_resize_cache_use_stale updating; ORIGIN/; }",
        origin => 'location = /allowed { return 204; } location / { if_modified_since off; add_header Cache-Control "max-age=1, $arg_more"; }');
    SKIP: {
        skip 'this nginx is built without auth_request', 3 if `$ENV{TEST_NGINX_BINARY} -V 2>&1` !~ /auth_request/;
        my $c = $s->client;
        is_answer("$name - first", $c->get($photo), 200, 'MISS');
        expire();
        is_answer("$name - old", $c->get($photo), 200, 'STALE');
        $s->wait(3, sub { grep({ /photo/ } asked($s)) == 2 });
        is(scalar(grep { /allowed/ } asked($s)), 2, "$name - who asks is checked once");
    }
    my $c = $s->client;
    my $more = "$photo?more=stale-while-revalidate=60";
    is_answer("$name - $_ - first", $c->get($_), 200, 'MISS') for "/said$more", "/said$photo", "/not$photo";
    expire();
    is_answer("$name - as the source says", $c->get("/said$more"), 200, 'STALE');
    is_answer("$name - $_ - later", $c->get($_), 200, 'EXPIRED') for "/said$photo", "/not$photo";
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'nginx -t';
    for my $case (['', 'no "updating"', 1], ['image_resize_cache_use_stale error;', 'no "updating"', 1], ['image_resize_cache_use_stale updating;', 'no "updating"', 0]) {
        my ($stale, $says, $expected) = @$case;
        my $s = ImageGate::Server->new(http => 'image_resize_cache_path cache keys_zone=images:1m;');
        $s->write_conf("location /x/ { image_resize resize 1 1; image_resize_cache images; image_resize_cache_background_update on; $stale }");
        my $said = `$s->{nginx} -t -e stderr -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`;
        is($said =~ /\Q$says\E/ ? 1 : 0, $expected, "$name - $stale") or diag($said);
    }
}

done_testing();
