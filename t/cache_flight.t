# image_resize_cache: one request of all workers makes a picture, and others wait for it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use IO::Select;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Cache;
use ImageGate::Fixtures qw(fixture_path slurp);
use ImageGate::H2;
use ImageGate::Image qw(inspect);
use ImageGate::Server qw(free_port);

needs_cache();

my $cache = 'image_resize_zone 1m; image_resize_cache_path cache levels=1:2 keys_zone=images:1m;';

# About a second's work, and a picture made at once.
sub slow { return "image_resize convert; image_resize_format webp; image_resize_webp_quality $_[0] effort=6; image_resize_sharpen 1; image_resize_limit time=60s jobs=4;" }
my $slow = slow(90);
my $quick = 'image_resize resize 40 -; image_resize_limit jobs=4;';

sub server {
    my ($locations, %o) = @_;
    my $s = ImageGate::Server->new(http => $cache, workers => 4, listen => 'reuseport', %o);
    mkdir "$s->{dir}/files";
    for (qw(noise-1800x1200-q90.jpg photo-300x200.jpg text.txt)) {
        copy(fixture_path($_), "$s->{dir}/files/$_") or die $!;
    }
    sleep 0.1;
    $s->start(conf($s, $locations));
    return $s;
}

sub conf {
    my ($s, $locations) = @_;
    return "location = /status { image_resize_status json; } add_header X-Cache \$image_resize_cache_status always; add_header X-Pid \$pid always; root $s->{dir}/files; image_resize_cache images; $locations";
}

# Asks from many clients at once. Returns what they get, each with the time when it began to come.
sub crowd {
    my ($s, $count, $uri) = @_;
    my @clients = map { $s->client(timeout => 60) } 1 .. $count;
    $_->connect for @clients;
    sleep 0.2;
    $_->send('GET', $uri) for @clients;
    my %by = map { $_->{sock} => $_ } @clients;
    my $select = IO::Select->new(map { $_->{sock} } @clients);
    my (%at, @answers);
    my $end = time + 60;
    while ($select->count && time < $end) {
        for my $sock ($select->can_read(1)) {
            $at{$sock} = time;
            $select->remove($sock);
        }
    }
    for my $client (@clients) {
        my $at = $at{ $client->{sock} || '' };
        my $r = $client->recv;
        $r->{at} = $at;
        push @answers, $r;
    }
    return @answers;
}

sub count_by {
    my ($what, @answers) = @_;
    my %count;
    $count{ $_->{h}{$what} // '' }++ for @answers;
    return \%count;
}

{
    my $name = 'a crowd';
    my $s = server("location / { $slow }");
    my @answers = crowd($s, 64, '/noise-1800x1200-q90.jpg');
    is(scalar(grep { $_->{status} == 200 } @answers), 64, "$name - all are answered");
    my %bodies = map { $_->{body} => 1 } @answers;
    is(scalar keys %bodies, 1, "$name - the same bytes");
    is_made($s, 1, "$name - made once");
    is_deeply(count_by('x-cache', @answers), { HIT => 63, MISS => 1 }, "$name - one made it");
    cmp_ok(scalar keys %{ count_by('x-pid', @answers) }, '>', 1, "$name - by several workers");
    my ($first, $last) = (sort { $a <=> $b } map { $_->{at} } @answers)[0, -1];
    cmp_ok($last - $first, '<', 0.5, "$name - the last is not much later than the first");
    diag(sprintf "%s: the last answer begins %.0f ms after the first", $name, 1000 * ($last - $first));
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a maker that is killed';
    my $s = server("location / { $slow }");
    my $c = $s->client(timeout => 60);
    # Who waits must be in another process than who makes.
    my ($maker) = ($c->get('/ready')->{body});
    $c->send('GET', '/noise-1800x1200-q90.jpg');
    sleep 0.3;
    my @others;
    for (1 .. 200) {
        my $other = $s->client(timeout => 60);
        push @others, $other if $other->get('/ready')->{body} ne $maker;
        last if @others == 4;
    }
    SKIP: {
        skip 'all connections went to one worker', 4 if !@others;
        $_->send('GET', '/noise-1800x1200-q90.jpg') for @others;
        sleep 0.2;
        my $start = time;
        kill 'KILL', $maker;
        my @answers = map { $_->recv } @others;
        is(scalar(grep { $_->{status} == 200 } @answers), scalar @others, "$name - others are answered")
            or diag(join ' ', map { $_->{error} || $_->{status} } @answers);
        is(count_by('x-cache', @answers)->{MISS}, 1, "$name - one of them made it");
        cmp_ok(time - $start, '<', 4.5, "$name - nobody waited for the age of the lock");
        my $r = $s->client->get('/noise-1800x1200-q90.jpg');
        is($r->{h}{'x-cache'}, 'HIT', "$name - it is kept");
    }
    my @bad = grep { !/exited on signal 9/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing else in the log");
    ok($s->wait(5, sub { !grep { m{/[0-9a-f]{32}\.\d{10}$} } split /\n/, `find $s->{dir}/cache -type f` }), "$name - nothing half-written stays");
}

{
    my $name = 'a client that leaves';
    my $s = server("location / { $slow }");
    my $uri = '/noise-1800x1200-q90.jpg';
    my $c = $s->client;
    $c->send('GET', $uri);
    sleep 0.3;
    $c->abort;
    my $r = $s->client(timeout => 60)->get($uri);
    is($r->{status}, 200, "$name - another is answered");
    is($r->{h}{'x-cache'}, 'HIT', "$name - by what was made for it");
    is_made($s, 1, "$name - made once");
    # And with nobody else.
    my $d = $s->client;
    $d->send('GET', "$uri?2");
    is($s->client->get("$uri?2")->{h}{'x-cache'}, 'HIT', "$name - arguments are no part of a file's key");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'waiters that leave';
    my $s = server("location / { $slow }");
    my $uri = '/noise-1800x1200-q90.jpg';
    my @clients = map { $s->client } 1 .. 20;
    $_->send('GET', $uri) for @clients;
    sleep 0.2;
    my $maker = shift @clients;
    $_->abort for @clients;
    my $r = $maker->recv;
    is($r->{status}, 200, "$name - who stays is answered");
    is($s->client->get($uri)->{h}{'x-cache'}, 'HIT', "$name - it is kept");
    is_made($s, 1, "$name - made once");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'time';
    my $s = server("location / { $slow }
        location /off/ { rewrite ^/off(.*) \$1 break; @{[slow(80)]} image_resize_cache_lock off; }
        location /timeout/ { rewrite ^/timeout(.*) \$1 break; @{[slow(81)]} image_resize_cache_lock_timeout 100ms; }
        location /zero/ { rewrite ^/zero(.*) \$1 break; @{[slow(82)]} image_resize_cache_lock_timeout 0; }
        location /age/ { rewrite ^/age(.*) \$1 break; @{[slow(83)]} image_resize_cache_lock_age 100ms; }");
    my $before = 0;
    for my $what (qw(off timeout zero age)) {
        my @answers = crowd($s, 2, "/$what/noise-1800x1200-q90.jpg");
        is(scalar(grep { $_->{status} == 200 } @answers), 2, "$name - $what - both are answered");
        is_made($s, $before + 2, "$name - $what - made twice");
        $before = made($s);
        is($s->client->get("/$what/noise-1800x1200-q90.jpg")->{h}{'x-cache'}, 'HIT', "$name - $what - kept");
    }
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'what can not be made';
    my $s = server("location / { $quick }");
    my @answers = crowd($s, 30, '/text.txt');
    is(scalar(grep { $_->{status} == 415 } @answers), 30, "$name - all are told");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

SKIP: {
    skip 'this nginx is built without HTTP/2', 1 if `$ENV{TEST_NGINX_BINARY} -V 2>&1` !~ /--with-http_v2_module/;
    my $name = 'HTTP/2';
    my $port = free_port();
    my $s = ImageGate::Server->new(workers => 1);
    mkdir "$s->{dir}/files";
    copy(fixture_path($_), "$s->{dir}/files/$_") or die $! for qw(noise-1800x1200-q90.jpg photo-300x200.jpg);
    sleep 0.1;
    my $locations = join ' ', "root $s->{dir}/files; image_resize_cache images;",
        map { "location /$_/ { rewrite ^/$_(.*) \$1 break; @{[slow($_)]} }" } 80 .. 84;
    $s->{http} = "$cache server { listen 127.0.0.1:$port http2; $locations }";
    $s->start("location = /status { image_resize_status json; }");
    my $picture = 'noise-1800x1200-q90.jpg';
    my $status = sub { JSON::PP::decode_json($s->client->get('/status')->{body}) };

    my $h2 = ImageGate::H2->new(port => $port);
    my @ids = map { $h2->send('GET', "/80/$picture") } 1 .. 10;
    my @answers = map { $h2->recv($_) } @ids;
    is(scalar(grep { $_->{status} == 200 } @answers), 10, "$name - all streams are answered");
    is(scalar keys %{ { map { $_->{body} => 1 } @answers } }, 1, "$name - the same bytes");
    sleep 0.2;
    is($status->()->{job_time}{count}, 1, "$name - made once");

    @ids = map { $h2->send('GET', "/81/$picture") } 1 .. 4;
    sleep 0.2;
    $h2->reset(shift @ids);
    @answers = map { $h2->recv($_) } @ids;
    is(scalar(grep { $_->{status} == 200 } @answers), 3, "$name - the first stream is reset: others are answered");
    $s->wait(10, sub { $status->()->{cache}{miss} == 2 });
    is($status->()->{cache}{miss}, 2, "$name - the first stream is reset: made once");

    my $gone = ImageGate::H2->new(port => $port);
    $gone->send('GET', "/82/$picture") for 1 .. 3;
    sleep 0.2;
    $gone->close;
    ok($s->wait(10, sub { $status->()->{cache}{miss} == 5 && $status->()->{requests}{aborted} == 2 }),
        "$name - a connection that is closed: its streams end") or diag(JSON::PP::encode_json($status->()));
    my $r = $h2->recv($h2->send('GET', "/82/$picture"));
    is($r->{status}, 200, "$name - what was made is kept");
    is($status->()->{cache}{miss}, 5, "$name - and not made again");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'reload';
    my $s = server("location / { $slow }", workers => 2);
    my $uri = '/noise-1800x1200-q90.jpg';
    my @clients = map { $s->client(timeout => 60) } 1 .. 8;
    $_->send('GET', $uri) for @clients;
    sleep 0.3;
    (my $http = $s->{http}) =~ s/keys_zone=images:1m/keys_zone=images:1m max_size=50m/;
    $s->{http} = $http;
    $s->write_conf(conf($s, "location / { $slow }"));
    $s->signal('HUP');
    my @answers = map { $_->recv } @clients;
    is(scalar(grep { $_->{status} == 200 } @answers), 8, "$name - all are answered");
    is(count_by('x-cache', @answers)->{MISS}, 1, "$name - made once");
    is($s->client->get($uri)->{h}{'x-cache'}, 'HIT', "$name - kept");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'the cache manager is killed';
    my $s = server("location / { $quick }", workers => 2);
    for (1 .. 5) {
        my ($manager) = map { /^(\d+)/ } grep { /cache manager/ } `pgrep -a -P $s->{master}`;
        ok($manager, "$name - there is one") or last;
        kill 'KILL', $manager;
        $s->wait(5, sub { !kill 0, $manager });
        my $r = $s->client->get("/photo-300x200.jpg");
        is($r->{status}, 200, "$name - answers");
        sleep 0.2;
    }
    is($s->client->get('/photo-300x200.jpg')->{h}{'x-cache'}, 'HIT', "$name - kept");
    my @bad = grep { !/exited on signal 9/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing else in the log");
}

done_testing();
