# image_resize_cache_purge: all variants of an original at once, for all workers and for good.

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
use ImageGate::Server;

needs_cache();

# A server with an origin behind it, which has a log of what it is asked for.
sub server {
    my ($locations, %o) = @_;
    my $origin = delete $o{origin} || '';
    my $s = ImageGate::Server->new(%o);
    mkdir "$s->{dir}/files";
    put($s, 'photo', 'a');
    put($s, 'quad', 'b');
    sleep 0.1;
    $s->{http} = "image_resize_zone 1m; image_resize_cache_path cache levels=1:2 keys_zone=images:1m;
        map \$request_method \$purge { PURGE 1; default 0; }
        log_format asked '\$request_method \$request_uri';
        server {
            listen unix:$s->{dir}/origin.sock;
            access_log $s->{dir}/logs/origin.log asked;
            root $s->{dir}/files;
            $origin
        }" . ($s->{http} || '');
    $s->{conf} = "location = /status { image_resize_status json; } add_header X-Cache \$image_resize_cache_status always;
        root $s->{dir}/files; image_resize_cache images; " . origin_of($s, $locations);
    $s->start($s->{conf});
    return $s;
}

# Another file takes its place: who sends the one before goes on with that.
sub put {
    my ($s, $from, $to) = @_;
    my $path = "$s->{dir}/files/$to.jpg";
    copy(fixture_path("$from-300x200.jpg"), "$path.new") or die $!;
    rename "$path.new", $path or die $!;
}

sub purge { my ($s, $uri, %h) = @_; return $s->client->request('PURGE', $uri, %h) }

sub is_purged {
    my ($name, $s, $uri, $status, %h) = @_;
    my $r = purge($s, $uri, %h);
    is($r->{status}, $status, "$name - status");
    is($r->{h}{'x-cache'}, undef, "$name - nothing was looked for");
    is($r->{body}, '', "$name - no body") if $status == 204;
}

sub is_quiet { my ($name, $s) = @_; is(join('', $s->trouble), '', "$name - nothing bad in the log") }

# Files by their names, and upstreams by a key: several sizes and formats, of which one request removes all.
{
    my $conf = 'image_resize resize $arg_w -; image_resize_format auto=webp; image_resize_cache_purge $purge;';
    for (['a file', "location / { $conf }"],
        ['a file by key', "location / { image_resize_cache_key \$uri; $conf }"],
        ['an upstream by key', "location / { image_resize_cache_key \$uri; $conf ORIGIN; }"]) {
        my ($name, $locations) = @$_;
        my $s = server($locations, workers => 2);
        my $all = sub {
            my ($expected, $which) = @_;
            for my $file ('a', 'b') {
                for my $w (40, 50) {
                    for my $accept ('image/webp', 'image/jpeg') {
                        my $r = $s->client->get("/$file.jpg?w=$w", Accept => $accept);
                        is_answer("$name - $which - $file $w $accept", $r, 200, $expected->{$file});
                        is(inspect($r->{body})->{width}, $w, "$name - $which - $file $w $accept - a picture");
                    }
                }
            }
        };
        is_purged("$name - nothing there", $s, '/a.jpg', 404);
        $all->({ a => 'MISS', b => 'MISS' }, 'first');
        $all->({ a => 'HIT', b => 'HIT' }, 'again');
        is_purged("$name - by the original's name", $s, '/a.jpg', 204);
        $all->({ a => 'MISS', b => 'HIT' }, 'purged');
        $all->({ a => 'HIT', b => 'HIT' }, 'purged, again');
        is_purged("$name - by a variant's", $s, '/a.jpg?w=50', 204, Accept => 'image/webp');
        is_purged("$name - by a variant's, twice", $s, '/a.jpg?w=50', 404);
        $all->({ a => 'MISS', b => 'HIT' }, 'purged by a variant');
        is_quiet($name, $s);
    }
}

{
    my $name = 'one key over two locations, and one that only purges';
    my $s = server('image_resize_cache_key $arg_k;
        location / { image_resize resize 40 -; }
        location /up/ { image_resize resize 40 -; ORIGIN/; }
        location = /purge { image_resize_cache_purge 1; allow 127.0.0.1; deny all; }');
    my @all = ('/a.jpg?k=1', '/up/a.jpg?k=1', '/a.jpg?k=2');
    is_answer("$name - $_", $s->client->get($_), 200, 'MISS') for @all;
    is_answer("$name - $_ again", $s->client->get($_), 200, 'HIT') for @all;
    is($s->client->get('/purge?k=1')->{status}, 204, "$name - GET purges, too");
    is_answer("$name - $_ purged", $s->client->get($_), 200, 'MISS') for @all[0, 1];
    is_answer("$name - another key", $s->client->get($all[2]), 200, 'HIT');
    is($s->client->head('/purge?k=1')->{status}, 204, "$name - HEAD purges, too");
    is($s->client->head('/purge?k=1')->{status}, 404, "$name - HEAD twice");
    is($s->client->get('/purge?k=3')->{status}, 404, "$name - a key that nothing has");
    is_answer("$name - $all[0] again", $s->client->get($all[0]), 200, 'MISS');
    my $r = $s->client->request('POST', '/purge?k=1', 'Content-Length' => 5, body => 'abcde');
    is($r->{status}, 204, "$name - with a body");
    is_quiet($name, $s);
}

{
    my $name = 'an upstream by its address';
    my $s = server('location / { image_resize resize $arg_w -; image_resize_format auto=webp; image_resize_cache_purge $purge; ORIGIN; }');
    for my $w (40, 50) {
        is_answer("$name - $w $_", $s->client->get("/a.jpg?w=$w", Accept => $_), 200, 'MISS') for 'image/webp', 'image/jpeg';
    }
    is_purged("$name - with credentials", $s, '/a.jpg?w=40', 204, Authorization => 'Basic YTpi');
    is_answer("$name - the same address $_", $s->client->get('/a.jpg?w=40', Accept => $_), 200, 'MISS') for 'image/webp', 'image/jpeg';
    is_answer("$name - another address", $s->client->get('/a.jpg?w=50', Accept => 'image/webp'), 200, 'HIT');
    is_quiet($name, $s);
}

{
    my $name = 'who may, and when';
    my $conf = 'image_resize resize 40 -; image_resize_cache_purge $purge $http_x_purge; rewrite ^/\\w+(/.*) $1 break; ORIGIN;';
    my $s = server("image_resize_cache_key \$uri; error_page 404 = /b.jpg; proxy_intercept_errors on;
        location / { image_resize resize 40 -; image_resize_cache_purge \$purge \$http_x_purge; ORIGIN; }
        location /denied/ { deny all; $conf }
        location /limited/ { limit_except GET { deny all; } $conf }
        location ~ ^/methods(?<path>/.+) { limit_except GET { allow 127.0.0.1; deny all; } image_resize_cache_key \$path;
            image_resize resize 40 -; image_resize_cache_purge \$purge; ORIGIN\$path; }
        location /off/ { image_resize_cache off; $conf }
        location /without/ { image_resize resize 40 -; rewrite ^/\\w+(/.*) \$1 break; ORIGIN; }");
    my $c = $s->client;
    is_answer("$name - first", $c->get('/a.jpg'), 200, 'MISS');
    is(purge($s, "/$_/a.jpg")->{status}, 403, "$name - $_") for qw(denied limited);
    is_purged("$name - not here", $s, '/off/a.jpg', 404);
    isnt(purge($s, '/without/a.jpg')->{status}, 204, "$name - without the directive");
    is_answer("$name - still there", $c->get('/a.jpg'), 200, 'HIT');
    is_answer("$name - 0", $c->get('/a.jpg', 'X-Purge' => 0), 200, 'HIT');
    my $first = $c->get('/a.jpg');
    my $r = $c->get('/a.jpg', 'X-Purge' => 1, 'If-None-Match' => $first->{h}{etag}, 'If-Modified-Since' => $first->{h}{'last-modified'});
    is($r->{status}, 204, "$name - a conditional request");
    is_answer("$name - then", $c->get('/a.jpg'), 200, 'MISS');
    is_purged("$name - with the methods of others", $s, '/methods/a.jpg', 204);
    is_answer("$name - once more", $c->get('/a.jpg'), 200, 'MISS');
    is_purged("$name - a range", $s, '/a.jpg', 204, Range => 'bytes=0-1');
    is_purged("$name - no page for errors", $s, '/a.jpg', 404);
    is($c->get('/ready')->{status}, 200, "$name - the connection is used on");
    is_quiet($name, $s);
}

{
    my $name = 'a changed original of an upstream';
    my $s = server('location / { image_resize_cache_key $uri; image_resize resize 40 -; image_resize_cache_purge $purge; ORIGIN; }');
    my $old = $s->client->get('/a.jpg');
    put($s, 'quad', 'a');
    my $hit = $s->client->get('/a.jpg');
    is_answer("$name - not seen", $hit, 200, 'HIT');
    is_purged($name, $s, '/a.jpg', 204);
    my $new = $s->client->get('/a.jpg', 'If-None-Match' => $old->{h}{etag});
    is_answer("$name - seen", $new, 200, 'MISS');
    ok($new->{body} ne $old->{body}, "$name - another picture");
    is($s->client->get('/a.jpg', 'If-None-Match' => $old->{h}{etag})->{status}, 200, "$name - the old tag is no more");
    is_quiet($name, $s);
}

{
    my $name = 'what is no picture';
    my $s = server('image_resize_cache_valid 415 1h; location / { image_resize_cache_key $uri; image_resize resize 40 -; image_resize_cache_purge $purge; ORIGIN; }');
    copy(fixture_path('text.txt'), "$s->{dir}/files/a.jpg") or die $!;
    is_answer("$name - first", $s->client->get('/a.jpg'), 415, $_) for qw(MISS HIT);
    put($s, 'photo', 'a');
    is_purged($name, $s, '/a.jpg', 204);
    is_answer("$name - then", $s->client->get('/a.jpg'), 200, 'MISS');
    is_quiet($name, $s);
}

{
    my $name = 'while it is made';
    my $s = server('location / { image_resize_cache_key $uri; image_resize resize 40 -; image_resize_cache_purge $purge; ORIGIN; }',
        workers => 2, origin => 'location / { limit_rate 8k; }');
    my $uri = '/a.jpg';
    my @makers = map { $s->client } 1 .. 4;
    $_->send('GET', $uri) for @makers;
    sleep 0.3;
    is(kept_files($s), 0, "$name - not made yet");
    is(purge($s, $uri)->{status}, 404, "$name - nothing was there");
    put($s, 'quad', 'a');
    my $new = $s->client->get($uri);
    is_answer("$name - asked for after it", $new, 200, 'MISS');
    my @old = map { $_->recv } @makers;
    is(scalar(grep { $_->{status} == 200 } @old), 4, "$name - those who asked before are answered");
    is(scalar(grep { $_->{body} ne $new->{body} } @old), 1, "$name - the one that made it by the picture of before");
    is(scalar(grep { $_->{h}{'x-cache'} eq 'HIT' } @old), 3, "$name - the others by what is kept by now");
    is(scalar(asked($s)), 2, "$name - each is asked for once");
    my $hit = $s->client->get($uri);
    is_answer("$name - later", $hit, 200, 'HIT');
    ok($hit->{body} eq $new->{body}, "$name - later - the new picture");
    is_quiet($name, $s);
}

# What was purged stays so, and what was not is found.
{
    my $name = 'another process';
    my $s = server('location / { image_resize_cache_key $uri; image_resize resize 40 -; image_resize_cache_purge $purge; ORIGIN; }', workers => 4, listen => 'reuseport');
    my $check = sub {
        my ($how) = @_;
        is_answer("$name - $how - the other is kept", $s->client->get('/b.jpg'), 200, 'HIT');
        my %seen;
        for (1 .. 12) {
            my $r = $s->client->get('/a.jpg');
            $seen{ $r->{h}{'x-cache'} }++;
        }
        is_deeply(\%seen, { MISS => 1, HIT => 11 }, "$name - $how - the purged one is made once");
        is_purged("$name - $how", $s, '/a.jpg', 204);
    };
    $s->client->get($_) for '/a.jpg', '/b.jpg';
    is_purged($name, $s, '/a.jpg', 204);
    $check->('other workers');

    my @old = $s->workers;
    $s->signal('HUP');
    ok($s->wait(10, sub { my %now = map { $_ => 1 } $s->workers; !grep { $now{$_} } @old }), "$name - reload");
    $check->('reload');

    $s->stop;
    $s->start($s->{conf});
    $check->('restart');

    my $worker = $s->worker;
    kill 'KILL', $worker;
    $s->wait(5, sub { !kill 0, $worker });
    $s->wait(5, sub { $s->client->get('/ready')->{status} == 200 });
    $check->('a worker that is killed');

    $s->client->get('/a.jpg');
    is_purged("$name - all that are killed", $s, '/a.jpg', 204);
    kill 'KILL', delete $s->{master}, my @workers = $s->workers($s->named_master);
    $s->wait(5, sub { !grep { kill 0, $_ } @workers });
    unlink "$s->{dir}/origin.sock";
    $s->start($s->{conf});
    $check->('all that are killed');

    # Both the binary that is replaced and the one that replaces it answer.
    my $before = $s->{master};
    my %is_old = map { $_ => 1 } $s->workers($before);
    $s->client->get('/a.jpg');
    $s->signal('USR2');
    ok($s->wait(10, sub { $s->master_after($before) && $s->client->get('/ready')->{status} == 200 }), "$name - upgrade");
    ok($s->wait(10, sub { !$is_old{ $s->client->get('/ready')->{body} } }), "$name - the new one answers");
    my $after = $s->named_master;
    my ($purges, %by) = (0);
    for (1 .. 40) {
        my $c = $s->client;
        my $side = $is_old{ $c->get('/ready')->{body} } ? 'old' : 'new';
        next if $purges && $by{last} eq $side;
        is($c->get('/a.jpg')->{h}{'x-cache'}, 'MISS', "$name - upgrade - purged by the other") if $purges;
        $by{$side}++;
        $c->get('/a.jpg');
        is($c->request('PURGE', '/a.jpg')->{status}, 204, "$name - upgrade - by the $side one");
        ($by{last}, $purges) = ($side, $purges + 1);
    }
    ok($by{old} && $by{new}, "$name - upgrade - both were asked");
    kill 'QUIT', $before;
    ok($s->wait(20, sub { !kill 0, $before }), "$name - the old one leaves");
    $s->{master} = $after;
    is_purged("$name - after it", $s, '/b.jpg', 204);
    my @bad = grep { !/exited on signal 9/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing bad in the log");
}

{
    my $name = 'a record that is lost';
    my $s = server('location / { image_resize_cache_key $uri; image_resize resize 40 -; image_resize_cache_purge $purge; ORIGIN; }');
    $s->client->get('/a.jpg');
    is_purged($name, $s, '/a.jpg', 204);
    my $record = (grep { !/\/[0-9a-f]{32}$/ } glob "$s->{dir}/cache/*-generations-*")[0];
    ok(-f $record, "$name - there was one");
    cmp_ok((stat $record)[12] * 512, '>=', -s $record, "$name - its place on the disk is taken");
    for my $how ('removed', 'emptied', 'written over') {
        $s->stop;
        unlink $record if $how eq 'removed';
        if ($how ne 'removed') {
            open my $out, '>', $record or die $!;
            print $out 'x' x 5000 if $how eq 'written over';
            close $out;
        }
        $s->start($s->{conf});
        is_answer("$name - $how", $s->client->get('/a.jpg'), 200, 'MISS');
        is_answer("$name - $how - then", $s->client->get('/a.jpg'), 200, 'HIT');
        is_purged("$name - $how", $s, '/a.jpg', 204);
        is_answer("$name - $how - purged", $s->client->get('/a.jpg'), 200, 'MISS');
    }
    # Under the feet of a process: it says so, and what it can't know it doesn't keep. It remembers for a second.
    truncate $record, 100 or die $!;
    sleep 1.1;
    is_answer("$name - cut", $s->client->get('/a.jpg'), 200, undef);
    is(purge($s, '/a.jpg')->{status}, 500, "$name - cut - nothing is purged");
    like($s->log, qr/image_resize_cache: generations in "[^"]*": /, "$name - cut - said why");
    is_quiet($name, $s);
}

SKIP: {
    my $name = 'a disk that is full, and one that is read only';
    my $s = ImageGate::Server->new;
    my $disk = "$s->{dir}/disk";
    mkdir $disk;
    mkdir "$s->{dir}/files";
    skip 'nothing can be mounted here', 15 if system("mount -t tmpfs -o size=16m tmpfs $disk 2>/dev/null");
    my $unmount = sub { system("umount -l $disk") if $disk; undef $disk };
    eval {
        put($s, 'photo', 'a');
        sleep 0.1;
        $s->{http} = "image_resize_cache_path disk/cache keys_zone=images:1m; map \$request_method \$purge { PURGE 1; default 0; }";
        $s->start("add_header X-Cache \$image_resize_cache_status always; root $s->{dir}/files;
            location / { image_resize resize 40 -; image_resize_cache images; image_resize_cache_purge \$purge; }");
        is_answer("$name - first", $s->client->get('/a.jpg'), 200, 'MISS');
        is_answer("$name - then", $s->client->get('/a.jpg'), 200, 'HIT');
        open my $out, '>', "$disk/full" or die $!;
        1 while syswrite $out, 'x' x 65536;
        close $out;
        is_purged("$name - full", $s, '/a.jpg', 204);
        is_answer("$name - full - purged", $s->client->get('/a.jpg'), 200, 'MISS');
        unlink "$disk/full";
        is_answer("$name - with room", $s->client->get('/a.jpg'), 200, 'MISS');
        is_answer("$name - with room - then", $s->client->get('/a.jpg'), 200, 'HIT');
        $s->stop;
        system("mount -o remount,ro $disk") == 0 or die;
        $s->launch;
        is_answer("$name - read only", $s->client->get('/a.jpg'), 200, 'HIT');
        is(purge($s, '/a.jpg')->{status}, 500, "$name - read only - nothing is purged");
        $s->stop;
        system("mount -o remount,rw $disk; rm $disk/cache/*-generations-*; mount -o remount,ro $disk") == 0 or die;
        $s->launch;
        is_answer("$name - read only, and new", $s->client->get('/a.jpg'), 200, undef);
        like($s->log, qr/\[error\].*image_resize_cache_path: "[^"]*cache": Read-only file system[^:]*: nothing is kept/, "$name - read only, and new - says why");
        $s->stop;
    };
    is($@, '', "$name - to its end");
    $unmount->();
}

{
    my $name = 'nginx -t';
    my $said = sub {
        my ($location) = @_;
        my $s = ImageGate::Server->new(http => 'image_resize_cache_path cache keys_zone=images:1m;');
        $s->write_conf($location);
        return [grep { /\[(?:warn|emerg)\]/ } `$s->{nginx} -t -e stderr -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`];
    };
    my $conf = 'image_resize_cache images; image_resize_cache_purge $arg_p;';
    my $pass = 'image_resize resize 1 1; proxy_pass http://127.0.0.1:1;';
    my $warned = $said->("location / { $conf $pass }");
    is(scalar @$warned, 1, "$name - no key");
    like($warned->[0], qr/\[warn\].*"image_resize_cache_purge" directive: removes what was made for the very same address only: there is no "image_resize_cache_key" that names the original in .*:\d+/, "$name - no key - says why");
    is_deeply($said->("location / { $conf $pass image_resize_cache_key \$uri; }"), [], "$name - a key");
    is_deeply($said->("location / { $conf image_resize resize 1 1; }"), [], "$name - a file");
    is_deeply($said->("location / { $conf image_resize_cache_key \$uri; }"), [], "$name - only purges");
    like($said->('location / { image_resize_cache_purge 1; }')->[0] || '', qr/has no effect: there is no "image_resize_cache"/, "$name - no cache");
    like($said->('image_resize_cache_purge 1;')->[0] || '', qr/\[emerg\].*"image_resize_cache_purge" directive is not allowed here/, "$name - in a server");
}

done_testing();
