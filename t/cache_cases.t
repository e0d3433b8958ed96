# image_resize_cache: what is asked of proxy_cache elsewhere: zones by variables, ranges, bypasses, room on the disk, another path.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Cache;
use ImageGate::Fixtures qw(fixture_dir fixture_path);
use ImageGate::Server;
use ImageGate::Upstream;

needs_cache();

my $photo = '/photo-300x200.jpg';
sub expire { sleep 2.2 }

{
    my $name = 'a zone by a variable';
    my $s = origin_server('location / { image_resize resize 100 -; image_resize_cache $arg_zone; image_resize_cache_key $uri; ORIGIN; }',
        http => 'image_resize_cache_path other keys_zone=other:1m;');
    my $c = $s->client;
    for my $zone (qw(images other)) {
        is_answer("$name - $zone", $c->get("$photo?zone=$zone"), 200, 'MISS');
        is_answer("$name - $zone again", $c->get("$photo?zone=$zone"), 200, 'HIT');
    }
    is_answer("$name - none", $c->get($photo), 200, undef) for 1, 2;
    is_answer("$name - off", $c->get("$photo?zone=off"), 200, undef);
    is_answer("$name - unknown", $c->get("$photo?zone=purple"), 200, undef);
    like($s->log, qr/image_resize_cache: there is no zone "purple"/, "$name - unknown - is said");
}

{
    my $name = 'ranges';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }', origin => 'location / { add_header Cache-Control max-age=60; }');
    my $c = $s->client;
    my $whole = $c->get($photo, Range => 'bytes=0-9');
    is_answer("$name - not there yet", $whole, 200, 'MISS');
    my $len = length $whole->{body};
    my $tag = $whole->{h}{etag};
    for my $case (['first', '0-9', 0, 10], ['last', '-7', $len - 7, 7], ['to the end', '100-', 100, $len - 100]) {
        my ($what, $range, $start, $count) = @$case;
        my $r = $c->get($photo, Range => "bytes=$range");
        is_answer("$name - $what", $r, 206, 'HIT');
        ok($r->{body} eq substr($whole->{body}, $start, $count), "$name - $what - its bytes");
        is($r->{h}{'content-range'}, sprintf('bytes %d-%d/%d', $start, $start + $count - 1, $len), "$name - $what - says which");
    }
    is($c->get($photo, Range => 'bytes=1000000-')->{status}, 416, "$name - beyond");
    my $several = $c->get($photo, Range => 'bytes=0-1,5-6');
    is_answer("$name - several", $several, 206, 'HIT');
    like($several->{h}{'content-type'}, qr{^multipart/byteranges}, "$name - several - type");
    is_answer("$name - if it is this one", $c->get($photo, Range => 'bytes=0-1', 'If-Range' => $tag), 206, 'HIT');
    is_answer("$name - if it is another", $c->get($photo, Range => 'bytes=0-1', 'If-Range' => '"other"'), 200, 'HIT');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a bypass of what is old';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; image_resize_cache_key $uri; image_resize_cache_bypass $arg_by;
            image_resize_cache_use_stale http_500 updating; image_resize_cache_background_update on; }',
        etag => 'on', origin => 'location / { add_header Cache-Control max-age=1; if (-f $document_root/broken) { return 500; } }');
    my $c = $s->client;
    is_answer("$name - first", $c->get($photo), 200, 'MISS');
    expire();
    is_answer("$name - anew", $c->get("$photo?by=1"), 200, 'BYPASS');
    like((asked($s))[-1], qr/ 200 \[\] \[\]$/, "$name - anew - asked without conditions");
    is_answer("$name - is kept", $c->get($photo), 200, 'HIT');
    expire();
    open my $out, '>', "$s->{dir}/files/broken" or die $!;
    is_answer("$name - nothing stands in", $c->get("$photo?by=1"), 500, 'BYPASS');
    is_answer("$name - but without it", $c->get($photo), 200, 'STALE');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'no room on the disk';
    my $s = origin_server('location / { image_resize resize 100 -; image_resize_cache full; ORIGIN; }',
        http => 'image_resize_cache_path full keys_zone=full:1m min_free=1000000g manager_sleep=50ms;');
    my $c = $s->client;
    my $first = $c->get($photo);
    is_answer("$name - first", $first, 200, 'MISS');
    ok($s->wait(20, sub { ($s->client->get($photo)->{h}{'x-cache'} || '') eq 'MISS' }), "$name - what is kept is removed");
    my $later = $s->client->get($photo);
    is($later->{status}, 200, "$name - later");
    ok($later->{body} eq $first->{body}, "$name - later - the same bytes");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a folder that can not be used';
    my $s = ImageGate::Server->new(http => 'image_resize_cache_path cache keys_zone=images:1m;');
    mkdir "$s->{dir}/$_" for qw(files cache cache/image_resize_cache-generations-v2.0000000000);
    copy(fixture_path('photo-300x200.jpg'), "$s->{dir}/files/a.jpg") or die $!;
    sleep 0.1;
    $s->start("add_header X-Cache \$image_resize_cache_status always; root $s->{dir}/files; image_resize_cache images;
        location / { image_resize resize 100 -; } location /purge/ { image_resize_cache_purge 1; }");
    my $why = qr/\[error\] .*image_resize_cache_path: "[^"]*cache": Is a directory .*: nothing is kept in it/;
    like($s->log, $why, "$name - says so");
    is_answer("$name - serves", $s->client->get('/a.jpg'), 200, undef) for 1, 2;
    is($s->client->get('/purge/a.jpg')->{status}, 500, "$name - nothing is purged");
    like(`$s->{nginx} -t -e stderr -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`, qr/$why.*is successful/s, "$name - nginx -t says so");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'another path';
    my $s = origin_server('location / { image_resize resize 100 -; ORIGIN; }');
    my $c = $s->client;
    is_answer("$name - first", $c->get($photo), 200, 'MISS');
    my $conf = "location = /status { image_resize_status json; } add_header X-Cache \$image_resize_cache_status always; image_resize_cache images;"
        . origin_of($s, 'location / { image_resize resize 100 -; ORIGIN; } location = /new { return 204; }');
    $s->{http} =~ s/image_resize_cache_path cache /image_resize_cache_path elsewhere / or die;
    $s->write_conf($conf);
    $s->signal('HUP');
    ok($s->wait(10, sub { $s->log =~ /cache "images" uses the ".*elsewhere" cache path while previously it used/ }), "$name - is refused");
    is_answer("$name - what is running goes on", $s->client->get($photo), 200, 'HIT');
    is($s->client->get('/new')->{status}, 404, "$name - as it was");
}

{
    my $name = 'bodies of origins';
    fixture_path('photo-300x200.jpg');
    my $upstream = ImageGate::Upstream->start(fixture_dir());
    my $port = $upstream->port;
    my $s = ImageGate::Server->new(http => 'image_resize_zone 1m; image_resize_cache_path cache keys_zone=images:1m;');
    $s->start("location = /status { image_resize_status json; } add_header X-Cache \$image_resize_cache_status always;
        location / { image_resize resize 100 -; image_resize_cache images; image_resize_cache_valid 1m; proxy_http_version 1.1; proxy_pass http://127.0.0.1:$port; }");
    my $c = $s->client;
    my $whole;
    for my $mode (qw(plain chunked gzip range)) {
        my $first = $c->get("/$mode$photo");
        is_answer("$name - $mode", $first, 200, 'MISS');
        is_answer("$name - $mode - again", $c->get("/$mode$photo"), 200, 'HIT');
        $whole ||= $first->{body};
        ok($first->{body} eq $whole, "$name - $mode - the same picture");
    }
    for my $mode (qw(die diechunk reset)) {
        for my $time (1, 2) {
            my $r = $s->client->get("/$mode$photo");
            isnt($r->{h}{'x-cache'} || '', 'HIT', "$name - $mode - is not kept, $time");
            ok($r->{body} ne $whole, "$name - $mode - is not the whole, $time");
        }
    }
    is_answer("$name - HEAD first", $c->head("/plain,piece=1$photo"), 200, 'MISS');
    my $r = $c->get("/plain,piece=1$photo");
    is($r->{status}, 200, "$name - GET behind it");
    ok($r->{body} eq $whole, "$name - GET behind it - the whole picture");
    is_answer("$name - HEAD of what is kept", $c->head("/plain$photo"), 200, 'HIT');
    $upstream->stop;
}

{
    my $name = 'the manager';
    my $s = origin_server('location / { image_resize resize 100 -; image_resize_cache $arg_zone; alias files/; }
            location /w/ { image_resize resize $arg_w -; image_resize_cache $arg_zone; alias files/; }',
        http => 'image_resize_cache_path small keys_zone=small:1m max_size=16k manager_sleep=50ms;
            image_resize_cache_path short keys_zone=short:1m inactive=1s manager_sleep=50ms;');
    my $c = $s->client;
    my $count = sub { my @files = grep { !/-generations-/ } split /\n/, `find $s->{dir}/$_[0] -type f`; return scalar @files };
    is_answer("$name - max_size - $_", $c->get("/w$photo?zone=small&w=$_"), 200, 'MISS') for map { $_ * 10 } 1 .. 12;
    cmp_ok($count->('small'), '>=', 1, "$name - max_size - some are kept");
    ok($s->wait(20, sub { $count->('small') <= 4 }), "$name - max_size - most are removed") or diag($count->('small'));
    is_answer("$name - max_size - one more", $c->get("/w$photo?zone=small&w=130"), 200, 'MISS');
    is_answer("$name - inactive - made", $c->get("$photo?zone=short"), 200, 'MISS');
    ok($s->wait(20, sub { $count->('short') == 0 }), "$name - inactive - is removed");
    is_answer("$name - inactive - made anew", $c->get("$photo?zone=short"), 200, 'MISS');
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

done_testing();
