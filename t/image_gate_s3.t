# image_gate_s3: objects of a private bucket, stored by boto3, asked for with signatures of nginx's own, which
# an S3 server verifies over the bytes that come.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode qw(encode_utf8);
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Exports qw(run_child wait_for);
use ImageGate::Fixtures qw(fixture_path slurp);
use ImageGate::Image qw(inspect);
use ImageGate::S3 qw(is_available is_other credentials origin nginx escaped asked accept_only store key_file);

plan skip_all => 'no boto3' if !is_available();

my $photo = slurp(fixture_path('photo-300x200.jpg'));

# No log and no header holds what only nginx and the server may know.
sub is_silent {
    my ($name, $s, @answers) = @_;
    my $logs = join '', map { slurp($_) } glob "$s->{dir}/logs/*.log";
    unlike($logs, qr/SECRET-|TOKEN-|Signature=[0-9a-f]/, "$name - no secret in a log");
    unlike(join('', map { "$_->{head}$_->{body}" } @answers), qr/SECRET-|TOKEN-|Signature|AWS4/, "$name - nor in an answer");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

my @keys = ('plain.jpg', 'a b.jpg', 'a+b.jpg', "it's!*().jpg", 'ümläut €.jpg', '100%.jpg', 'a%2Fb%20c.jpg',
    'folder/a b/c.jpg', '~tilde-_.jpg', 'a&b=c;d@e,f$g.jpg', '[x]{y}|z^`.jpg', 'a?b#c.jpg', '日本/写真.jpg',
    '...', 'a..b/.hidden');
# Names that no file has.
push @keys, 'a//b.jpg', '/lead.jpg', 'trail/', 'a///', "a\\b\"<c>.jpg", "tab\there.jpg", 'k' x 1000 if !is_other();

{
    my $name = 'keys';
    my $origin = origin([map { [$_, 'text/plain', encode_utf8("object $_")] } @keys]);
    my $s = nginx($origin, 'location / { ORIGIN; }
        location /by/ { image_gate_s3_key $arg_key; ORIGIN; }
        location /unsigned/ { rewrite ^/unsigned(/.*)$ $1 break; ORIGIN; }
        location /presigned/ { rewrite ^/presigned(/.*)$ $1 break;
            image_gate_s3 main region=eu-central-1 endpoint=http://127.0.0.1:PORT presign=60s;
            proxy_method GET; proxy_set_header Host $image_gate_s3_host; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }');
    my $c = $s->client;
    for my $key (@keys) {
        my $body = encode_utf8("object $key");
        for my $way ('', '/presigned') {
            my $r = $c->get("$way/" . escaped($key));
            is("$r->{status} $r->{body}", "200 $body", "$name - $way " . escaped($key));
        }
    }
    my %r = map { $_ => $c->get("/$_") } qw(no.jpg plain.jpg);
    is($r{'no.jpg'}{status}, 404, "$name - what is not there");
    is_silent($name, $s, $r{'plain.jpg'});
    is(scalar(grep { / 403 / } asked($origin)), 0, "$name - each signature was right") if !is_other();
}

{
    my $name = 'a request';
    my $origin = origin([['photo.jpg', 'image/jpeg', $photo]]);
    my $s = nginx($origin, 'location / { ORIGIN; }');
    my $c = $s->client;
    my $r = $c->get('/photo.jpg');
    is($r->{status}, 200, "$name - status");
    ok($r->{body} eq $photo, "$name - the bytes");
    is($r->{h}{'content-type'}, 'image/jpeg', "$name - the type");
    my $head = $c->head('/photo.jpg');
    is("$head->{status} $head->{h}{'content-length'}", '200 ' . length $photo, "$name - HEAD");
    my $part = $c->get('/photo.jpg', Range => 'bytes=10-19');
    is("$part->{status} " . length $part->{body}, '206 10', "$name - a range");
    ok($part->{body} eq substr($photo, 10, 10), "$name - its bytes");
    # s3s-fs sends what is asked for all the same.
    is($c->get('/photo.jpg', 'If-None-Match' => $r->{h}{etag})->{status}, 304, "$name - If-None-Match") if !is_other();
    is($c->get('/photo.jpg', 'If-None-Match' => '"other"')->{status}, 200, "$name - of another");
    is($c->get('/photo.jpg', Authorization => 'Basic eDp5')->{status}, 200, "$name - the client's Authorization stays here");
    for my $method (qw(POST PUT DELETE OPTIONS)) {
        is($c->request($method, '/photo.jpg', 'Content-Length' => 0)->{status}, 405, "$name - $method");
    }
    is_silent($name, $s, $r, $head, $part);
}

SKIP: {
    skip 'what only our own server tells', 1 if is_other();
    my $name = 'what is no object';
    my $origin = origin([['photo.jpg', 'image/jpeg', $photo]]);
    my $s = nginx($origin, 'location / { ORIGIN; }
        location /key/ { image_gate_s3_key $arg_key; ORIGIN; }
        location /bucket/ { image_gate_s3_bucket $arg_bucket; image_gate_s3_key photo.jpg; ORIGIN; }
        location /virtual/ { image_gate_s3 main region=eu-central-1 endpoint=http://s3.test style=virtual;
            image_gate_s3_bucket $arg_bucket; image_gate_s3_key photo.jpg;
            PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }');
    my $c = $s->client;
    my $before = () = asked($origin);
    for my $uri ('/', '/key/', '/key/?key=', '/key/?key=/', '/key/?key=../public/x', '/key/?key=a/./b', '/' . 'k' x 1025,
        '/bucket/', '/bucket/?bucket=..', '/bucket/?bucket=a/b', '/bucket/?bucket=a?b', '/virtual/?bucket=127.0.0.1:1/',
        '/virtual/?bucket=evil.test/', '/virtual/?bucket=a%2Fb') {
        is($c->get($uri)->{status}, 404, "$name - " . substr $uri, 0, 40);
    }
    is(scalar(() = asked($origin)), $before, "$name - nobody was asked");
    is($c->get('/bucket/?bucket=pictures')->{status}, 200, "$name - a bucket by a variable");
    is($c->get('/virtual/?bucket=pictures')->{status}, 200, "$name - and before the host");
    like($s->log, qr/\[error\].*image_gate_s3_bucket: that is not the name of a bucket/, "$name - the line of a bucket");
    like($s->log, qr/\[info\].*image_gate_s3_key: the key is empty/, "$name - the line of a key");
    is_silent($name, $s);
}

SKIP: {
    skip 'what only our own server knows', 1 if is_other();
    my $name = 'arguments, tokens, anybody';
    my $origin = origin([['a b.txt', 'text/plain', 'hello']], accepted => [credentials('main', 'session')]);
    store($origin, 'public', [['open.txt', 'text/plain', 'for all']]);
    my $s = nginx($origin, 'location /args/ { image_gate_s3_key "a b.txt"; image_gate_s3_args "response-content-type=$arg_type&x-id=GetObject&b=%7e+/"; ORIGIN; }
        location /unsigned/ { image_gate_s3_key "a b.txt";
            image_gate_s3 main region=eu-central-1 endpoint=http://127.0.0.1:PORT payload=unsigned;
            PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }
        location /presigned/ { image_gate_s3_key "a b.txt"; image_gate_s3_args response-content-type=$arg_type;
            image_gate_s3 main region=eu-central-1 endpoint=http://127.0.0.1:PORT presign=60s;
            proxy_method GET; PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }
        location /open/ { image_gate_s3 anonymous endpoint=http://127.0.0.1:PORT; image_gate_s3_bucket public;
            image_gate_s3_key open.txt; PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }
        location /closed/ { image_gate_s3 anonymous endpoint=http://127.0.0.1:PORT; image_gate_s3_key "a b.txt";
            PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }
        location /elsewhere/ { image_gate_s3 main region=us-east-1 endpoint=http://127.0.0.1:PORT; image_gate_s3_key "a b.txt";
            PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }
        location /nested/ { ORIGIN; location /nested/off { image_gate_s3 off; return 200 "$image_gate_s3_uri."; } }');
    my $c = $s->client;
    for my $way (qw(args presigned)) {
        my $r = $c->get("/$way/?type=image/x%20y%2B");
        is("$r->{status} $r->{body} $r->{h}{'content-type'}", '200 hello image/x y+', "$name - $way");
        is($c->head("/$way/")->{status}, 200, "$name - $way - HEAD");
    }
    is($c->get('/unsigned/')->{body}, 'hello', "$name - an unsigned payload");
    is($c->get('/open/')->{body}, 'for all', "$name - what anybody may read");
    is($c->get('/closed/')->{status}, 403, "$name - what not");
    is($c->get('/elsewhere/')->{status}, 403, "$name - another region");
    is($c->get('/nested/off')->{body}, '.', "$name - off");
    is_silent($name, $s);
    my $log = slurp("$s->{dir}/logs/access.log");
    like($log, qr{^GET 200 127\.0\.0\.1:\d+ /pictures/a%20b\.txt\?b=~%2B%2F&response-\S+ \d{8}T\d{6}Z e3b0c\w+ token=\*\*\* authorization=\*\*\*$}m,
        "$name - what a log shows");
    like($log, qr{^GET 200 \S+ \*\*\* - - token=- authorization=-$|^GET 200 \S+ \*\*\* - - token=\*\*\* authorization=\*\*\*$}m, "$name - of a signed URL");
}

SKIP: {
    skip 'what only our own server does', 1 if is_other();
    my $name = 'in front of it';
    my $origin = origin([['photo one.jpg', 'image/jpeg', $photo]]);
    my $s = nginx($origin, 'location /cache/ { rewrite ^/cache(/.*)$ $1 break; proxy_cache sources; proxy_cache_valid 200 1m;
            add_header X-Cache $upstream_cache_status; ORIGIN; }
        location /signed/ { rewrite ^/signed(/.*)$ $1 break; proxy_cache sources; proxy_cache_key $image_gate_s3_host$uri;
            proxy_cache_valid 200 1m; add_header X-Cache $upstream_cache_status; proxy_method GET;
            image_gate_s3 main region=eu-central-1 endpoint=http://127.0.0.1:PORT presign=60s;
            PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }
        location /resize/ { rewrite ^/resize(/.*)$ $1 break; image_resize resize 100 -; ORIGIN; }
        location /kept/ { rewrite ^/kept(/.*)$ $1 break; image_resize resize 120 -; image_resize_cache images;
            image_resize_cache_valid 1s; add_header X-Cache $image_resize_cache_status; ORIGIN; }
        location /inner/ { rewrite ^/inner(/.*)$ /objects$1 last; }
        location /objects/ { internal; image_gate_s3_key $1; rewrite ^/objects/(.*)$ /x break; ORIGIN; }
        location /group/ { rewrite ^/group(/.*)$ $1 break; image_gate_s3 main region=eu-central-1 endpoint=http://127.0.0.1:PORT;
            PARAMS; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://storage$image_gate_s3_uri; }
        location /recipe/ { rewrite ^/recipe(/.*)$ $1 break; proxy_intercept_errors on; proxy_hide_header x-amz-request-id;
            error_page 400 403 404 =404 @missing; ORIGIN; }
        location /refused/ { rewrite ^/refused(/.*)$ $1 break; proxy_intercept_errors on; error_page 400 403 404 =404 @missing;
            image_gate_s3 main region=us-east-1 endpoint=http://127.0.0.1:PORT;
            PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }
        location /links/ { image_resize_url imgproxy; image_resize_allow all; image_gate_s3_key $image_resize_source_path; ORIGIN; }
        location @missing { return 404; }',
        http => 'proxy_cache_path sources keys_zone=sources:1m; image_resize_cache_path kept keys_zone=images:1m;
        upstream storage { server 127.0.0.1:' . $origin->{port} . '; keepalive 4; }');
    my $c = $s->client;
    my $key = 'photo%20one.jpg';
    for my $way (qw(cache signed)) {
        # nginx asks with GET where it keeps the answer.
        my $head = $c->head("/$way/$key");
        is("$head->{status} $head->{h}{'x-cache'}", '200 MISS', "$name - $way - HEAD");
        for my $what ('HIT', 'HIT') {
            my $r = $c->get("/$way/$key");
            is("$r->{status} $r->{h}{'x-cache'}", "200 $what", "$name - $way");
            ok($r->{body} eq $photo, "$name - $way - the bytes");
        }
        my $part = $c->get("/$way/$key", Range => 'bytes=0-9');
        ok($part->{status} == 206 && $part->{body} eq substr($photo, 0, 10), "$name - $way - a range");
    }
    my $r = $c->get("/resize/$key");
    is(inspect($r->{body})->{width}, 100, "$name - image_resize");
    is($c->head("/resize/$key")->{status}, 200, "$name - image_resize - HEAD");
    for my $what (qw(MISS HIT)) {
        $r = $c->get("/kept/$key");
        is("$r->{status} $r->{h}{'x-cache'}", "200 $what", "$name - image_resize_cache");
        is(inspect($r->{body})->{width}, 120, "$name - image_resize_cache - a picture");
    }
    sleep 2.1;
    $r = $c->get("/kept/$key");
    is("$r->{status} $r->{h}{'x-cache'}", '200 REVALIDATED', "$name - image_resize_cache - asked again");
    ok($c->get("/inner/$key")->{body} eq $photo, "$name - an internal location");
    ok($c->get("/group/$key")->{body} eq $photo, "$name - a group of upstreams") for 1, 2;
    $r = $c->get("/recipe/$key");
    is("$r->{status} " . ($r->{h}{'x-amz-request-id'} || '-'), '200 -', "$name - a hidden header");
    # What a link is refused for is said, and not that it names no key.
    for my $case (['w:50', "local:///$key", 200], ['w:50', 'http://127.0.0.1/a.jpg', 403], ['raw:1', "local:///$key", 400]) {
        my ($option, $source, $status) = @$case;
        $r = $c->get("/links/s/$option/plain/$source");
        is($r->{status}, $status, "$name - a link - $option $source");
        is(inspect($r->{body})->{width}, 50, "$name - a link - a picture") if $status == 200;
    }
    my @none = map { $c->get("/$_/no.jpg") } qw(recipe refused);
    for (@none) {
        is($_->{status}, 404, "$name - an error");
        unlike($_->{body}, qr/hidden|AccessDenied|NoSuchKey/, "$name - says nothing of the storage");
    }
    is_silent($name, $s, @none);
    is(scalar(grep { / 403 / && !/\bScope|us-east/i } asked($origin)), 0, "$name - each signature was right")
        or diag(join "\n", grep { / 403 / } asked($origin));
}

SKIP: {
    skip 'what only our own server does', 1 if is_other();
    my $name = 'rotation';
    my ($one, $two) = (credentials('one'), credentials('two', 'session'));
    my $origin = origin([['photo.jpg', 'image/jpeg', $photo]], accepted => [$one]);
    my $s = nginx($origin, 'location / { ORIGIN; }', workers => 2, poll => '200ms', known => $one);
    my @clients = map {
        my $file = "$s->{dir}/client$_";
        my $pid = run_child(sub {
            my ($c, %statuses) = ($s->client);
            until (-e "$s->{dir}/enough") {
                my $r = $c->get('/photo.jpg');
                $statuses{ $r->{body} eq $photo ? $r->{status} : "$r->{status} and other bytes" }++;
            }
            open my $out, '>', $file or die $!;
            print $out join ' ', map { "$_:$statuses{$_}" } sort keys %statuses;
        });
        [$pid, $file];
    } 1 .. 3;
    sleep 0.5;
    for my $turn ([$two, $one], [$one, $two]) {
        my ($new, $old) = @$turn;
        accept_only($origin, $old, $new);
        key_file("$s->{dir}/s3.credentials", $new);
        my $lines = sub { scalar(() = $s->log =~ /"main" has new credentials/g) };
        my $before = $lines->();
        ok(wait_for(5, sub { $lines->() >= $before + 2 || $lines->() % 2 == 0 && $lines->() > 0 }), "$name - both workers have new ones");
        # What was signed by the old ones is on its way at most for a moment.
        sleep 0.3;
        accept_only($origin, $new);
        sleep 0.5;
        # Bad ones keep the good.
        open my $out, '>', "$s->{dir}/s3.credentials" or die $!;
        print $out "[default]\naws_secret_access_key SECRET-BAD\n";
        close $out;
        sleep 0.5;
    }
    like($s->log, qr/"main" keeps its credentials: \S+s3\.credentials: line 2: neither/, "$name - the line of a bad file");
    # Nor does a reload take bad ones.
    $s->signal('HUP');
    ok($s->wait(5, sub { $s->log =~ /\[emerg\].*"image_gate_s3_credentials" directive: \S+: line 2/ }), "$name - a reload refuses them");
    key_file("$s->{dir}/s3.credentials", $one);
    $s->signal('HUP');
    sleep 1;
    open my $out, '>', "$s->{dir}/enough" or die $!;
    waitpid $_->[0], 0 for @clients;
    my @said = map { slurp($_->[1]) } @clients;
    like($_, qr/^200:\d+$/, "$name - not one request failed") for @said;
    note("requests: @said");
    my $log = join '', grep { !/\[emerg\].*line 2/ } split /^/, $s->log;
    unlike($log, qr/SECRET-|TOKEN-|\[(?:alert|emerg|crit)\]/, "$name - nothing bad in the log");
}

SKIP: {
    skip 'what only our own server does', 1 if is_other();
    my ($faketime) = glob '/usr/lib/*/faketime/libfaketime.so.1';
    skip 'no libfaketime', 1 if !$faketime;
    my $name = 'midnight';
    my $offset = 86400 - time % 86400 - 6;
    my %env = (LD_PRELOAD => $faketime, FAKETIME => "+${offset}s", FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1);
    my $origin = origin([['photo.jpg', 'image/jpeg', 'hello']], env => \%env);
    local %ENV = (%ENV, %env);
    my $s = nginx($origin, 'location / { ORIGIN; }
        location /presigned/ { rewrite ^/presigned(/.*)$ $1 break; proxy_method GET;
            image_gate_s3 main region=eu-central-1 endpoint=http://127.0.0.1:PORT presign=60s;
            PARAMS; proxy_pass http://127.0.0.1:PORT$image_gate_s3_uri; }', workers => 2,
        main => join ' ', map { "env $_;" } sort keys %env);
    delete @ENV{ keys %env };
    my $c = $s->client;
    my ($until, %statuses) = (time + 9);
    while (time < $until) {
        $statuses{ $c->get($_)->{status} }++ for '/photo.jpg', '/presigned/photo.jpg';
        sleep 0.01;
    }
    is(join(' ', keys %statuses), 200, "$name - not one request failed");
    my %days = map { $_ => 1 } slurp("$s->{dir}/logs/access.log") =~ /(\d{8})T\d{6}Z/g;
    is(scalar(keys %days), 2, "$name - of two days") or diag(join ' ', %days);
    is(scalar(grep { / 403 / } asked($origin)), 0, "$name - each signature was right");
    is_silent($name, $s);
}

done_testing();
