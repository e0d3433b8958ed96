# image_resize_cache: what is old goes out where it can't be made anew, or while it is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use IO::Socket::UNIX;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Cache;
use ImageGate::Fixtures qw(fixture_path slurp);

needs_cache();

my $photo = '/photo-300x200.jpg';
my $short = 'add_header Cache-Control max-age=1;';
sub expire { sleep 2.2 }

# An origin that answers as the file "way" in its folder says, once there is one.
my @ways = (500, 502, 503, 504, 403, 404, 429);
my $ways = join ' ', map { "if (-f \$document_root/$_) { return $_; }" } @ways;
sub set_way { my ($s, $way) = @_; open my $out, '>', "$s->{dir}/files/$way" or die $! }
sub clear_way { my ($s, $way) = @_; unlink "$s->{dir}/files/$way" or die $! }

# One that takes three seconds once there is a file "slow".
my $slow_origin = 'location / { if_modified_since off; set $rate 0; set $age 1; if (-f $document_root/slow) { set $rate 6k; set $age 60; }
    limit_rate $rate; add_header Cache-Control max-age=$age; }';

# A port on which nobody answers as HTTP would have it: what it says to whom connects, or nothing.
sub peer {
    my ($path, $says) = @_;
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 10) or die $!;
    my $pid = fork // die $!;
    if (!$pid) {
        while (my $sock = $listener->accept) {
            sysread $sock, my $asked, 10000;
            print {$sock} $says if defined $says;
            sleep 60 if !defined $says;
            close $sock;
        }
        POSIX::_exit(0);
    }
    return $pid;
}

{
    my $name = 'answers of an upstream';
    my $all = join ' ', map { "http_$_" } @ways;
    my $s = origin_server("location / { image_resize resize 100 -; ORIGIN; image_resize_cache_use_stale $all; }
        location /one/ { image_resize resize 100 -; ORIGIN/; image_resize_cache_use_stale http_503; }
        location /off/ { image_resize resize 100 -; ORIGIN/; image_resize_cache_use_stale off; }
        location /default/ { image_resize resize 100 -; ORIGIN/; }", etag => 'on', origin => "location / { $short $ways }");
    my $c = $s->client;
    my %first;
    for my $where ('', '/one', '/off', '/default') {
        is_answer("$name - $where - first", $first{$where} = $c->get("$where$photo"), 200, 'MISS');
    }
    expire();
    for my $way (@ways) {
        set_way($s, $way);
        my $r = $c->get($photo);
        is_answer("$name - $way", $r, 200, 'STALE');
        ok($r->{body} eq $first{''}{body}, "$name - $way - the same bytes");
        is_answer("$name - $way - one", $c->get("/one$photo"), $way == 503 ? (200, 'STALE') : ($way, 'EXPIRED'));
        is_answer("$name - $way - $_", $c->get("$_$photo"), $way, 'EXPIRED') for '/off', '/default';
        is_answer("$name - $way - never seen", $c->get("$photo?$way"), $way, 'MISS');
        clear_way($s, $way);
    }
    set_way($s, 500);
    my $tag = $first{''}{h}{etag};
    my $stale = $c->get($photo);
    is($stale->{h}{$_}, $first{''}{h}{$_}, "$name - header $_") for qw(content-type content-length etag last-modified);
    is_answer("$name - what the client has", $c->get($photo, 'If-None-Match' => $tag), 304, 'STALE');
    is_answer("$name - a range", $c->get($photo, Range => 'bytes=0-9'), 206, 'STALE');
    is_answer("$name - a weak tag must match strongly", $c->get($photo, 'If-Match' => $tag), 412, 'STALE');
    is_answer("$name - any tag", $c->get($photo, 'If-Match' => '*'), 200, 'STALE');
    is_answer("$name - HEAD", $c->head($photo), 200, 'STALE');
    is_made($s, 4, "$name - made once each");
    clear_way($s, 500);
    is_answer("$name - mended", $c->get($photo), 200, 'REVALIDATED');
    is_answer("$name - then", $c->get($photo), 200, 'HIT');
    is(lookups($s)->{stale}, 14, "$name - counted");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'what is no answer';
    my $s = origin_server("", origin => "location / { $short }");
    my @pids = (peer("$s->{dir}/bad.sock", "HTTP/1.1 200 OK\r\nBad\0: x\r\n\r\n"), peer("$s->{dir}/empty.sock", ''), peer("$s->{dir}/slow.sock"));
    my $proxy = 'proxy_pass http://unix:DIR/$where.sock:$rest;' =~ s/DIR/$s->{dir}/r;
    my $common = "image_resize resize 100 -; image_resize_cache_key \$rest; proxy_read_timeout 300ms; proxy_connect_timeout 300ms; $proxy";
    my %cases = (error => [qw(none bad empty)], timeout => ['slow'], invalid_header => [qw(none bad empty)], http_500 => []);
    my $locations = join ' ', map { "location ~ ^/$_/(?<where>\\w+)(?<rest>/.*)\$ { $common image_resize_cache_use_stale $_; }" } sort keys %cases;
    $s->write_conf("location = /status { image_resize_status json; } add_header X-Cache \$image_resize_cache_status always; image_resize_cache images; $locations
        location ~ ^/page/(?<where>\\w+)(?<rest>/.*)\$ { $common image_resize_cache_use_stale error; error_page 502 504 =203 /text.txt; }
        location = /text.txt { root $s->{dir}/files; image_resize off; image_resize_cache off; }");
    $s->signal('HUP');
    $s->wait(10, sub { $s->client->get("/error/origin$photo")->{status} == 200 });
    my $c = $s->client;
    expire();
    for my $case (sort keys %cases) {
        my %stale = map { $_ => 1 } @{ $cases{$case} };
        for my $where (qw(none bad empty slow)) {
            my @expected = $stale{$where} ? (200, 'STALE') : ($where eq 'slow' ? 504 : 502, 'EXPIRED');
            is_answer("$name - $case - $where", $c->get("/$case/$where$photo"), @expected);
        }
    }
    # The page of an error is for what nothing stands in for.
    is_answer("$name - page - error", $c->get("/page/none$photo"), 200, 'STALE');
    my $r = $c->get("/page/slow$photo");
    is($r->{status}, 203, "$name - page - timeout - status");
    ok($r->{body} eq slurp(fixture_path('text.txt')), "$name - page - timeout - its body");
    is_answer("$name - page - never seen", $c->get("/page/none/other"), 203, 'MISS');
    is_answer("$name - mended", $c->get("/error/origin$photo"), 200, 'REVALIDATED');
    kill 'KILL', @pids;
    waitpid $_, 0 for @pids;
}

{
    my $name = 'intercepted errors';
    my $s = origin_server("proxy_intercept_errors on; error_page 404 500 503 = \@page;
        location / { image_resize resize 100 -; image_resize_cache_use_stale http_500; ORIGIN; } location \@page { return 203 page; }",
        origin => "location / { $short $ways }");
    my $c = $s->client;
    is_answer("$name - first", $c->get($photo), 200, 'MISS');
    expire();
    set_way($s, 500);
    is_answer("$name - 500", $c->get($photo), 200, 'STALE');
    is($c->get("$photo?new")->{body}, 'page', "$name - 500 - never seen");
    clear_way($s, 500);
    set_way($s, 503);
    is($c->get($photo)->{body}, 'page', "$name - 503");
    clear_way($s, 503);
    is_answer("$name - mended", $c->get($photo), 200, 'REVALIDATED');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'what the module itself can not do';
    my $slow = 'image_resize convert; image_resize_format webp; image_resize_webp_quality 90 effort=6; image_resize_sharpen 1;';
    my $s = origin_server("location / { $slow ORIGIN; image_resize_limit time=60s jobs=1 queue=0; image_resize_cache_lock off; image_resize_cache_use_stale error; }",
        workers => 1, origin => "location / { $short if_modified_since off; }");
    my $c = $s->client(timeout => 30);
    copy(fixture_path('noise-1800x1200-q90.jpg'), "$s->{dir}/files/noise.jpg") or die $!;
    my $first = $c->get('/noise.jpg');
    is_answer("$name - first", $first, 200, 'MISS');
    expire();
    my @clients = map { $s->client(timeout => 30) } 1, 2;
    for my $client (@clients) { $client->send('GET', '/noise.jpg'); sleep 0.4 }
    my @answers = map { $_->recv } @clients;
    is_answer("$name - the one that has room", $answers[0], 200, 'EXPIRED');
    is_answer("$name - the one that has none", $answers[1], 200, 'STALE');
    ok($answers[1]{body} eq $first->{body}, "$name - the same bytes");
}

{
    my $name = 'what the source says';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; } location /ignored/ { image_resize resize 100 -; ORIGIN/; proxy_ignore_headers Cache-Control; image_resize_cache_valid 1s; }',
        origin => "location / { add_header Cache-Control \$arg_control; if_modified_since off; $ways }");
    my $c = $s->client;
    my %uri = (error => "$photo?control=max-age=1,stale-if-error=60", short => "$photo?control=max-age=1,stale-if-error=1",
        both => "$photo?control=max-age=1,stale-while-revalidate=60", ignored => "/ignored$photo?control=max-age=1,stale-if-error=60");
    is_answer("$name - $_ - first", $c->get($uri{$_}), 200, 'MISS') for sort keys %uri;
    sleep 3.2;
    set_way($s, 500);
    is_answer("$name - $_", $c->get($uri{$_}), 200, 'STALE') for qw(error both);
    is_answer("$name - $_", $c->get($uri{$_}), 500, 'EXPIRED') for qw(short ignored);
    clear_way($s, 500);
    set_way($s, 404);
    is_answer("$name - what is gone is no error", $c->get($uri{error}), 404, 'EXPIRED');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'updating';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; image_resize_cache_use_stale updating; }
        location /off/ { image_resize resize 100 -; ORIGIN/; image_resize_cache_use_stale updating; image_resize_cache_lock off; }
        location /not/ { image_resize resize 100 -; ORIGIN/; image_resize_cache_use_stale error; }',
        workers => 4, listen => 'reuseport',
        origin => $slow_origin);
    my %first;
    for my $where ('', '/off', '/not') {
        is_answer("$name - $where - first", $first{$where} = $s->client->get("$where$photo"), 200, 'MISS');
    }
    expire();
    set_way($s, 'slow');
    for my $where ('', '/off') {
        my $updater = $s->client;
        $updater->send('GET', "$where$photo");
        sleep 0.3;
        my $start = time;
        my @clients = map { $s->client } 1 .. 12;
        $_->send('GET', "$where$photo") for @clients;
        my @answers = map { $_->recv } @clients;
        is(scalar(grep { $_->{h}{'x-cache'} eq 'UPDATING' && $_->{body} eq $first{$where}{body} } @answers), 12, "$name - $where - others get the old one");
        cmp_ok(time - $start, '<', 0.5, "$name - $where - at once");
        is_answer("$name - $where - the one that updates", $updater->recv, 200, 'EXPIRED');
        is_answer("$name - $where - then", $s->client->get("$where$photo"), 200, 'HIT');
    }
    my @clients = map { $s->client } 1 .. 4;
    $_->send('GET', "/not$photo") for @clients;
    my %count;
    $count{ $_->recv->{h}{'x-cache'} }++ for @clients;
    is_deeply(\%count, { EXPIRED => 1, HIT => 3 }, "$name - without it, others wait");
    is(lookups($s)->{updating}, 24, "$name - counted");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'an updater that is killed';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; image_resize_cache_use_stale updating; }',
        workers => 2, listen => 'reuseport',
        origin => $slow_origin);
    is_answer("$name - first", $s->client->get($photo), 200, 'MISS');
    expire();
    set_way($s, 'slow');
    my $updater = $s->client;
    my $pid = $updater->get('/ready')->{body};
    $updater->send('GET', $photo);
    sleep 0.3;
    is_answer("$name - while it lives", $s->client->get($photo), 200, 'UPDATING');
    kill 'KILL', $pid;
    clear_way($s, 'slow');
    ok($s->wait(3, sub { my $c = $s->client; my $r = $c->get('/ready'); $r->{status} && $r->{body} ne $pid && $c->get($photo)->{h}{'x-cache'} eq 'EXPIRED' }),
        "$name - the next one updates");
    is_answer("$name - then", $s->client->get($photo), 200, 'HIT');
    my @bad = grep { !/exited on signal 9/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing else in the log");
}

done_testing();
