# image_resize_zone and image_resize_status: what is counted, over all workers, reloads and deaths.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IPC::Run ();
use JSON::PP ();
use Test::More;

use ImageGate::Exports qw(replace_file);
use ImageGate::Fixtures qw(fixture fixture_dir fixture_path);
use ImageGate::Server;

fixture_path($_) for qw(photo-300x200.jpg quad-100x120.png trunc_photo-300x200.jpg text.txt noise-3000x2000.png);

my $dir = fixture_dir();

sub locations {
    my $width = shift;
    return qq{
        location /status { image_resize_status json; }
        location /metrics { image_resize_status prometheus; }
        location /webp/ { image_resize resize $width -; image_resize_format webp; alias $dir/; }
        location /small/ { image_resize resize $width -; image_resize_buffer 100; alias $dir/; }
        location /keeps/ { image_resize resize 5000 5000; alias $dir/; }
        location /test/ { image_resize test; alias $dir/; }
        location /forgives/ { image_resize resize $width -; image_resize_on_error original; alias $dir/; }
        location /elsewhere/ { image_resize resize $width -; image_resize_on_error =/plain; alias $dir/; }
        location /slow/ {
            image_resize resize 2000 -;
            image_resize_format webp;
            image_resize_webp_quality 90 effort=6;
            image_resize_limit jobs=1;
            alias $dir/;
        }
        location /plain { return 200 plain; }
    };
}

sub status { JSON::PP::decode_json($_[0]->client->get('/status')->{body}) }

sub metrics {
    my $s = shift;
    return { map { /^(\S+) (\S+)$/ ? ($1, $2) : () } split /\n/, $s->client->get('/metrics')->{body} };
}

my $zone = 'image_resize_zone 128k;';

{
    my $name = 'every outcome';
    my $s = ImageGate::Server->new(workers => 2, http => $zone)->start(locations(100));
    my $nothing = status($s);
    is_deeply($nothing->{requests},
              { map { $_ => 0 } qw(transformed original passed not_modified error aborted) }, "$name - none yet");
    is_deeply([@$nothing{qw(images source_bytes bytes jobs)}], [[], 0, 0, { running => 0, queued => 0 }],
              "$name - and nothing else");

    my ($in, $out) = (0, 0);
    my $get = sub {
        my ($uri, $status, @headers) = @_;
        my $r = $s->client->get($uri, @headers);
        is($r->{status}, $status, "$name - $uri");
        return $r;
    };
    for (1 .. 3) {
        $out += length $get->('/webp/photo-300x200.jpg', 200)->{body};
        $in += length fixture('photo-300x200.jpg');
    }
    my $png = $get->('/webp/quad-100x120.png', 200);
    $out += length $png->{body};
    $in += length fixture('quad-100x120.png');
    $get->('/webp/quad-100x120.png', 304, 'If-None-Match' => $png->{h}{etag});
    $out += length $get->('/keeps/photo-300x200.jpg', 200)->{body};
    $in += length fixture('photo-300x200.jpg');
    $get->('/test/photo-300x200.jpg', 200);
    $get->('/webp/no-such.jpg', 404);
    $get->('/webp/trunc_photo-300x200.jpg', 415);
    $get->('/webp/text.txt', 415);
    $get->('/small/photo-300x200.jpg', 415);
    $get->('/forgives/trunc_photo-300x200.jpg', 200);
    $get->('/elsewhere/trunc_photo-300x200.jpg', 200);
    $get->('/plain', 200);
    $out += length fixture('trunc_photo-300x200.jpg');
    $in += 3 * length fixture('trunc_photo-300x200.jpg');
    $in += length fixture('text.txt');

    # the log phase comes after the answer
    my $now;
    $s->wait(5, sub { $now = status($s); $now->{requests}{original} == 2 && $now->{requests}{error} == 4 });
    is_deeply($now->{requests},
              { transformed => 4, original => 2, passed => 2, not_modified => 1, error => 4, aborted => 0 },
              "$name - requests");
    my $errors = $now->{errors};
    is_deeply({ map { $errors->{$_} ? ($_ => $errors->{$_}) : () } keys %$errors },
              { decode_failed => 3, not_image => 1, too_large => 1 }, "$name - reasons");
    is_deeply([sort map { "$_->{source} $_->{format} $_->{count}" } @{ $now->{images} }],
              ['jpeg jpeg 1', 'jpeg webp 3', 'png webp 1'], "$name - formats");
    is($now->{source_bytes}, $in, "$name - bytes in");
    is($now->{bytes}, $out, "$name - bytes out");
    is_deeply($now->{jobs}, { running => 0, queued => 0 }, "$name - nothing runs");
    # all that came to a job: 5 results, 3 broken sources, and a text
    is($now->{$_}{count}, 9, "$name - $_") for qw(job_time queue_time);
    is($now->{job_time}{buckets}[-1]{count}, 9, "$name - the last bucket has all");
    ok($now->{job_time}{sum} > 0, "$name - which took time");

    my $metrics = metrics($s);
    is($metrics->{'image_resize_requests_total{outcome="transformed"}'}, 4, "$name - the same for Prometheus");
    is($metrics->{'image_resize_errors_total{reason="decode_failed"}'}, 3, "$name - reasons");
    is($metrics->{'image_resize_images_total{source="jpeg",format="webp"}'}, 3, "$name - formats");
    is($metrics->{'image_resize_source_bytes_total'}, $in, "$name - bytes");
    is($metrics->{'image_resize_job_seconds_count'}, 9, "$name - times");

    my $r = $s->client->get('/metrics');
    is($r->{h}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', "$name - type");
    is($r->{h}{'cache-control'}, 'no-store', "$name - not to be cached");
    my ($said, $wrong) = ('', '');
    IPC::Run::run(['promtool', 'check', 'metrics'], \$r->{body}, \$said, \$wrong);
    is($? >> 8, 0, "$name - promtool takes it");
    is($said . $wrong, '', "$name - and finds nothing to mend");
    IPC::Run::run(['promtool', 'check', 'metrics'], \"$r->{body}broken {", \$said, \$wrong);
    isnt($? >> 8, 0, "$name - which it would");

    # what dashboards and alert rules ask for
    my %there = map { ($_ => 1) } $r->{body} =~ /^# TYPE (\w+)/mg;
    for my $file (qw(grafana/images.json prometheus/alerts.yml)) {
        open my $in, '<', "$FindBin::Bin/../examples/$file" or die $!;
        my $text = do { local $/; <$in> };
        my %asked = map { (s/_seconds_(?:bucket|sum|count)$/_seconds/r => 1) } $text =~ /\b(nginx_image_gate_image_\w+)/g;
        cmp_ok(scalar keys %asked, '>=', 4, "$name - $file asks for something");
        ok($there{$_}, "$name - $_ of $file exists") for sort keys %asked;
    }

    is($s->client->get('/status')->{h}{'content-type'}, 'application/json', "$name - JSON");
    my $head = $s->client->head('/status');
    is("$head->{status} $head->{body}", '200 ', "$name - HEAD");
    is($s->client->request('POST', '/status')->{status}, 405, "$name - nothing but GET and HEAD");

    # a reload keeps it
    my $old = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - a reload");
    is(status($s)->{requests}{transformed}, 4, "$name - keeps the counters");
    $s->client->get('/webp/photo-300x200.jpg');
    ok($s->wait(5, sub { status($s)->{requests}{transformed} == 5 }), "$name - which go on");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'jobs';
    my $s = ImageGate::Server->new(workers => 2, http => $zone)->start(locations(100));
    my @slow;
    for (1 .. 3) {
        push @slow, $s->client;
        $slow[-1]->send('GET', '/slow/noise-3000x2000.png');
    }
    # one worker has two of three jobs at least, and room for one
    ok($s->wait(10, sub { my $jobs = status($s)->{jobs}; $jobs->{running} >= 1 && $jobs->{queued} >= 1 }),
       "$name - run and wait");
    my @old = $s->workers;
    kill 'KILL', @old;
    ok($s->wait(20, sub { my @new = $s->workers; @new == 2 && !grep { my $w = $_; grep { $_ == $w } @old } @new }),
       "$name - the workers are killed");
    ok($s->wait(10, sub { ($s->client->get('/status')->{status} || 0) == 200 }), "$name - others answer");
    is_deeply(status($s)->{jobs}, { running => 0, queued => 0 }, "$name - nothing runs any more");

    my $left = $s->client;
    $left->send('GET', '/slow/noise-3000x2000.png');
    ok($s->wait(10, sub { status($s)->{jobs}{running} == 1 }), "$name - another one runs");
    $left->close;
    ok($s->wait(20, sub { status($s)->{jobs}{running} == 0 }), "$name - its client leaves");
    ok($s->wait(10, sub { status($s)->{requests}{aborted} == 1 }), "$name - which is counted");
    my @bad = grep { !/exited on signal 9/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing else in the log");
}

# What does not work, and since when.
{
    my $name = 'health';
    my $s = ImageGate::Server->new(http => "$zone access_key_zone p 1m state=state/p save=1s; access_key_file p keys poll=1s;");
    my $keys = sub { replace_file("$s->{dir}/keys", $_[0]) };
    $keys->("acme sha256:" . "0" x 64 . "\n");
    $s->start(locations(100) . qq{
        location /one/ { image_resize resize 1000 -; image_resize_format webp; image_resize_webp_quality 90 effort=6;
                         image_resize_limit jobs=1 queue=0; alias $dir/; }
        location /keyed/ { access_key zone=p from=arg:key; alias $dir/; }
    });
    my $reasons = sub { join ' ', sort map { $_->{reason} } @{ status($s)->{health}{reasons} } };
    is_deeply(status($s)->{health}, { status => 'ready', reasons => [] }, "$name - all is well");

    my $before = time;
    my $slow = $s->client;
    $slow->send('GET', '/one/noise-3000x2000.png');
    ok($s->wait(10, sub { status($s)->{jobs}{running} == 1 }), "$name - a job runs");
    is($s->client->get('/one/photo-300x200.jpg')->{status}, 503, "$name - another one is refused");
    my $health = status($s)->{health};
    is($health->{status}, 'degraded', "$name - too many jobs");
    my ($full) = @{ $health->{reasons} };
    is("@{[sort keys %$full]} $full->{reason}", 'reason since queue_full', "$name - is why");
    ok($full->{since} >= $before && $full->{since} <= time + 1, "$name - since then");
    is($slow->recv->{status}, 200, "$name - the job ends");
    is($reasons->(), '', "$name - and there is room");

    $keys->("acme sha256:0\n");
    ok($s->wait(10, sub { $reasons->() eq 'key_file' }), "$name - a bad key file");
    my ($bad) = @{ status($s)->{health}{reasons} };
    is($bad->{zone}, 'p', "$name - of that zone");
    $keys->("acme sha256:" . "0" x 64 . "\n");
    ok($s->wait(10, sub { status($s)->{health}{status} eq 'ready' }), "$name - a good one");
}

{
    my $name = 'without a zone';
    my $s = ImageGate::Server->new;
    my $refused = sub {
        my ($http, $location) = @_;
        $s->{http} = $http;
        $s->write_conf($location);
        my ($said) = ('');
        IPC::Run::run([$s->{nginx}, '-t', '-e', "$s->{dir}/logs/error.log", '-p', "$s->{dir}/", '-c', "$s->{dir}/nginx.conf"],
                      \'', \$said, \$said);
        return $said;
    };
    like($refused->('', 'location /s { image_resize_status json; }'),
         qr/\[emerg\].*"image_resize_status" directive: there is no "image_resize_zone"/, "$name - no status");
    like($refused->('image_resize_zone 1k;', ''), qr/\[emerg\].*"image_resize_zone".*too small/, "$name - too small");
    like($refused->('image_resize_zone big;', ''), qr/\[emerg\].*"image_resize_zone".*big/, "$name - no size");
    like($refused->("$zone $zone", ''), qr/\[emerg\].*"image_resize_zone" directive is duplicate/, "$name - two zones");
    like($refused->($zone, 'location /s { image_resize_status xml; }'),
         qr/\[emerg\].*"image_resize_status".*xml/, "$name - no such format");
    like($refused->($zone, 'location /s { image_resize_status json; image_resize_status json; }'),
         qr/\[emerg\].*"image_resize_status" directive is duplicate/, "$name - two formats");
    like($refused->($zone, 'image_resize_status json;'), qr/\[emerg\].*"image_resize_status" directive is not allowed here/,
         "$name - of a location");
    like($refused->($zone, 'location /s { image_resize_status json; }'), qr/test is successful/, "$name - all is well");
}

done_testing();
