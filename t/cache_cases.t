# image_resize_cache: what is asked of proxy_cache elsewhere: zones by variables, ranges, bypasses, room on the disk, another path.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Cache;

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

done_testing();
