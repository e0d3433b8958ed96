# access_key_mask: a valid key at every place where a client may put one, in requests that are
# answered, passed on or refused at each step, and in every variable that an access log can show.
# Nothing of it is left in any log; and what is passed on is what the client sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Fixtures qw(fixture_dir fixture_path slurp);
use ImageGate::H2;
use ImageGate::Keys qw(key_file);
use ImageGate::Server qw(free_port);

my $files = fixture_dir();
fixture_path('text.txt');

my $key = 'GoodKey5f3b09c2';
# nginx writes the name of a host in lower case, so that this one stays as it is.
my $lower = 'lowkey7d1e55aa93';
my $wrong = 'WrongKey2d94e6b1';
(my $escaped = $key) =~ s/G/%47/;
# Base64 has a slash, which nginx decodes in a path.
my $slashed = 'Sl4shed/Key+5f3b09c2d4==';
# Base64 of what Basic has in front of it.
my $basic = 'Basic dXNlcjpwYXNzd29yZA==';

my @names = qw(rooted proxy_add_x_forwarded_for request request_uri uri document_uri args query_string request_filename
    arg_key arg_other arg_a http_x_api_key http_x_other http_cookie http_referer http_authorization
    http_user_agent http_x_forwarded_uri cookie_k cookie_other sent_http_location sent_http_x_echo
    upstream_http_x_echo upstream_http_location access_key_uri copied chosen named remote_user proxy_host
    host http_host http_forwarded http_proxy_authorization http_range http_if_none_match document_root
    secure_link upstream_trailer_x sent_trailer_x taken);

my $s = ImageGate::Server->new(workers => 2);
my ($h2_port, $up_port) = (free_port(), free_port());

open my $out, '>', "$s->{dir}/users" or die $!;
print $out "user:{PLAIN}password\n";
close $out;
open $out, '>', "$s->{dir}/keys" or die $!;
print $out key_file(acme => $key, low => $lower, base => $slashed);
close $out;

my $sees = '$http_authorization|$http_x_api_key|$http_cookie|$request_uri|$http_referer';

sub locations {
    return qq{
        access_log $s->{dir}/logs/all.log all;
        access_log $s->{dir}/logs/combined.log combined;
        access_log $s->{dir}/logs/by-\$arg_a.log all;
        log_subrequest on;
        client_max_body_size 1k;
        client_header_timeout 1s;
        location /o/ {
            access_key zone=p from=arg:key|header:X-Api-Key|cookie:k|uri:2|header:Authorization;
            alias $files/;
        }
        location /kept/ {
            access_key zone=p from=arg:key|header:X-Api-Key|cookie:k|uri:2;
            access_key_strip off;
            set \$copied \$arg_key;
            proxy_pass http://127.0.0.1:$up_port;
        }
        location /open/ { set \$copied \$request_uri; alias $files/; }
        location /deny/ { deny all; }
        location /moved/ { return 302 http://h\$request_uri; }
        location ~ ^/named/(?<named>[^?]*)\$ { return 204; }
        location ~ ^/capture/(.*)\$ { set \$taken "\$1"; access_log $s->{dir}/logs/all.log all; access_log $s->{dir}/logs/cap-\$1.log combined; return 204; }
        location /secure/ { secure_link_secret word; return 204; }
        location /proxied/ { proxy_set_header X-Was \$request_uri; proxy_pass http://127.0.0.1:$up_port; }
        location /down/ { proxy_pass http://127.0.0.1:1; }
        location /basic/ { auth_basic closed; auth_basic_user_file $s->{dir}/users; alias $files/; }
        # What its files are called is asked for by nobody but the log.
        location /rooted/ { root $files\$rooted; return 204; }
        location /early/ { if (\$arg_key) { return 403; } alias $files/; }
    };
}

# Not the server that takes the keys, but the first one, which requests without a name come to.
$s->{http} = qq~
    access_key_zone p 256k;
    access_key_file p $s->{dir}/keys;
    map \$request_uri \$rooted { default "\$request_uri"; }
    map \$arg_key \$chosen { default "(\$arg_key)"; "" ""; }
    log_format all escape=none '~ . join('|', map { "\$$_" } @names) . qq~|\$status';
    server { listen 127.0.0.1:$up_port; location / { add_header X-Echo "$sees" always; return 200 "$sees"; } }
    server {
        listen 127.0.0.1:$h2_port http2 default_server;
        server_name other;
        access_log $s->{dir}/logs/all.log all;
    }
    server {
        listen 127.0.0.1:$h2_port http2;
        server_name localhost;
~ . locations() . '}';
$s->start(locations());

# What a request has, with KEY where the key is.
my @uris = map { my $uri = $_; map { "/$_$uri" } qw(o open kept moved named capture proxied down deny early rooted secure) } (
    '/x?key=KEY', '/x?a=1&KEY', '/x?other=KEY', '/x?key[]=KEY', '/x?key%5B%5D=KEY', '/x?a=1;key=KEY', '/x;key=KEY',
    '/x;KEY', '/x?KEY=1', '/x#key=KEY', '/x#KEY', '/x?a=1#KEY', '/x?key=ESCAPED', '/KEY/x', '/KEY', '/KEY/', '/KEY/../x',
    '/a/KEY/x', '/a/b/c/KEY', '/./KEY/x', '//KEY//x', '/ESCAPED/x', '/x?url=http%3A%2F%2Fh%2FKEY%2Fx', '/x,KEY', '/x:KEY',
    '/x?key=KEY&key=KEY', '/x?key=a&key=KEY', '/KEY/x?key=KEY', '/KEY?', '/x?a==KEY', '/x?{KEY}', '/x?"KEY"', '/KEY;v=1/x',
    '/x?KEY=KEY', '/x?key=%20KEY', '/x?key=KEY+', '/x?q=a+KEY', '/x?key==KEY', '/x?a=b,KEY', '/x?key=KEY;KEY', '/x?a%5B0%5D=KEY',
    '/x?url=http%253A%252F%252Fh%252FKEY%252Fx', '/x?url=%252Fo%253Fkey%253DKEY', '/~KEY/x', '/x!KEY', '/x*KEY', '/x$KEY', '/x?a=(KEY)',
    '/x?a=^KEY', '/x?a=`KEY`', '/0123456789abcdef0123456789abcdef/KEY', '/x?KeY=KEY', '/x?%6bey=KEY', '/x?a&&key=KEY', '/KEY//../x', '/x?a=LOWER', '/LOWER/x',
);
my @headers = (
    'X-Api-Key: KEY', 'x-api-key: KEY', 'Cookie: k=KEY', 'Cookie: a=1; k=KEY; b=2', 'Cookie: other=KEY',
    'Authorization: Bearer KEY', 'Authorization: bearer  KEY', 'Authorization: KEY', 'Authorization: Token KEY',
    "Authorization: Basic BASIC", 'Proxy-Authorization: Bearer KEY', 'Forwarded: for=KEY;host=h', 'Range: bytes=KEY', 'If-None-Match: "KEY"',
    'Cookie: k="KEY"', 'Cookie: K=KEY', 'Cookie: $Version=1;k=KEY', "Cookie: a=1\r\nCookie: k=KEY", "X-Api-Key: a\r\nX-Api-Key: KEY", 'Authorization: Bearer KEY, Basic x',
    "Authorization: BEARER\tKEY", 'X-Forwarded-For: for=KEY', 'X-Other: k=KEY; q=1', 'X-Other: W/"KEY"', 'X-Other: a.KEY', 'X-Other: LOWER',
    'X-Other: KEY', 'X-Forwarded-For: KEY', 'X-Forwarded-For: 1.2.3.4, KEY', 'X-Forwarded-Uri: /o/KEY/x?key=KEY', 'User-Agent: me/1.0 (KEY)',
    map({ "Referer: $_" } 'http://h/o/x?key=KEY', 'http://h/o/KEY/x', 'http://h/o/KEY', 'http://h/x#key=KEY', 'http://h/x;key=KEY',
        'http://h/x?key[]=KEY', '//h/KEY', 'KEY', 'http://KEY@h/', 'http://h/KEY/../x', 'http://h/ESCAPED/', 'android-app://h/KEY'),
);

sub filled { my $text = shift; $text =~ s/LOWER/$lower/g; $text =~ s/KEY/$key/g; $text =~ s/ESCAPED/$escaped/g; $text =~ s/BASIC/encode_base64("$key:x", '')/e; return $text }

# One connection each, since a refusal may end it.
sub ask {
    my ($text) = @_;
    my $c = $s->client;
    $c->send_raw(filled($text));
    return $c->recv->{status} || 0;
}

my (%statuses, $requests);
sub count { my $status = shift; $statuses{$status}++; $requests++ }

for my $uri (@uris) {
    count(ask("GET $uri HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
}
for my $header (@headers) {
    count(ask("GET /$_/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n$header\r\n\r\n")) for qw(o open kept proxied down deny);
}
for my $host ($lower, "$lower.example.com", "a.$lower:80", $key, "a.$key:80", "$key.$key") {
    count(ask("GET /$_/x HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n")) for qw(o open deny proxied);
    count(ask("GET http://$host/$_/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")) for qw(o open deny proxied);
}
# A key without capitals is masked alone, as others are.
count(ask("GET /o/$lower/alone HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
# Refused at each step before a location's handlers are asked. What the early ones say in nginx's own
# error log is its own, since no module was asked yet.
my $log_before = length $s->log;
my @positions = map { $_ => "/open$_" } map { s{^/[a-z]+/}{/}r } grep { m{^/o/} } @uris;
my %refusals = (
    'no Host'        => sub { "GET $_[0] HTTP/1.1\r\n\r\n" },
    'a bad Host'     => sub { "GET $_[0] HTTP/1.1\r\nHost: a b\r\n\r\n" },
    'a bad header'   => sub { "GET $_[0] HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n" },
    'a bad protocol' => sub { "GET $_[0] HTTP/3.7\r\nHost: localhost\r\n\r\n" },
    'a bad method'   => sub { "g,t $_[0] HTTP/1.1\r\nHost: localhost\r\n\r\n" },
    'a control byte' => sub { "GET $_[0]\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n" },
    'TRACE'          => sub { "TRACE $_[0] HTTP/1.1\r\nHost: localhost\r\n\r\n" },
    'too large'      => sub { "POST $_[0] HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n" },
    'CONNECT'        => sub { "CONNECT $_[0] HTTP/1.1\r\nHost: localhost\r\n\r\n" },
    'above the root' => sub { "GET /../..$_[0] HTTP/1.1\r\nHost: localhost\r\n\r\n" },
);
for my $how (sort keys %refusals) {
    for my $uri (@positions) {
        my $status = ask($refusals{$how}->($uri));
        count($status);
        next if $status >= 400 || $status == 0;
        fail("$how refuses $uri: $status");
    }
}
# Never finished: all at once, as each takes its time.
{
    my @waiting;
    for my $text (map({ "GET $_ HTTP/1.1\r\nHost: localhost\r\n" } @positions), map { "GET $_" } @positions) {
        my $c = $s->client;
        $c->send_raw(filled($text));
        push @waiting, $c;
    }
    for my $c (@waiting) { my $r = $c->recv; $requests++ }
}
{
    my $h2 = ImageGate::H2->new(port => $h2_port);
    for my $uri (@positions, map { filled($_) } grep { m{^/(?:o|open)/} } @uris) {
        $h2->recv($h2->send('GET', filled($uri)));
        $requests++;
    }
}

my $lines = sub { my @lines = split /\n/, slurp("$s->{dir}/logs/all.log"); scalar @lines };
ok($s->wait(20, sub { $lines->() >= $requests * .9 }), "$requests requests are logged: " . $lines->());
cmp_ok($statuses{$_} || 0, '>', 5, "answers of $_") for qw(200 302 400 403 404 405 413 502 505);
sleep 0.3;
like(slurp("$s->{dir}/logs/all.log"), qr{GET /o/\*\*\*/alone HTTP/1\.1}, 'what is around a key is shown');

for my $file (glob "$s->{dir}/logs/*.log") {
    my ($name) = $file =~ m{([^/]+)$};
    # A key may be what a log is called by nginx's configuration; nothing masked has a slash.
    unlike($name, qr/\Q$key\E/, "$name - is called by no key");
    next if $name eq 'error.log';
    my @bad = grep { /\Q$key\E|\Q$escaped\E|\Q$lower\E/i } split /^/, slurp($file);
    is(scalar @bad, 0, "$name - no key in it") or diag(@bad[0 .. ($#bad < 20 ? $#bad : 20)]);
}
{
    my $unseen = $s->unseen;
    my @bad = grep { s/$unseen//gr =~ /\Q$key\E|\Q$escaped\E/i } split /^/, substr($s->log, 0, $log_before);
    is(scalar @bad, 0, 'error.log - no key of a request that came to its location') or diag(@bad[0 .. ($#bad < 20 ? $#bad : 20)]);
    SKIP: {
        skip 'Angie writes the names of files itself', 1 if qq("$files/x" failed) =~ $unseen;
        like($s->log, qr{open\(\) "\Q$files\E/\*\*\*/x" failed}, 'error.log - the name of a file, too');
    }
    like($s->log, qr{upstream: "http://127\.0\.0\.1:1/down/x\?key=\*\*\*"}, 'error.log - and the URL of an upstream');
    my @late = grep { s/$unseen//gr =~ /\Q$key\E/ && !/while reading client request|client sent |invalid (?:method|version|host)/ } split /^/, $s->log;
    is(scalar @late, 0, 'error.log - only what nginx refused while it read it') or diag(@late[0 .. ($#late < 20 ? $#late : 20)]);
}

# What nobody holds is masked where a key is expected.
{
    my $c = $s->client;
    $c->get("/o/x?key=$wrong&z=1");
    $c->get("/o/$wrong/x");
    $c->get("/o/ab/x?zz=2");
    $c->get('/open/x?zz=3', 'X-Api-Key' => $wrong, Authorization => "Bearer $wrong", Cookie => "k=$wrong");
    ok($s->wait(10, sub { slurp("$s->{dir}/logs/all.log") =~ /zz=3/ }), 'wrong keys are logged');
    unlike(slurp("$s->{dir}/logs/all.log"), qr/\Q$wrong\E|o\/ab\/x/, 'masked');
    unlike($s->log, qr/\Q$wrong\E/, 'in the error log, too');
}

# A key with a slash, escaped where it would end a segment, and in the decoded texts made of it.
{
    my @escaped = map { my $escape = $_; $slashed =~ s{([/+=])}{sprintf $escape, ord $1}ger } '%%%02X', '%%%02x';
    push @escaped, $slashed =~ s{/}{%2F}r;
    my $c = $s->client;
    for my $key (@escaped) {
        for my $place (qw(open o kept named down deny moved rooted)) {
            $c->get("/$place/$key/x");
            $c->get("/$place/a/$key");
            $c->get("/$place/x?other=$key&key=$key");
            $c->get("/$place/$key/x?key=$key");
        }
    }
    $c->get('/open/x?zz=4');
    ok($s->wait(10, sub { slurp("$s->{dir}/logs/all.log") =~ /zz=4/ }), 'keys with a slash are logged');
    my $unseen = $s->unseen;
    for my $file (grep { -f } glob "$s->{dir}/logs/*.log") {
        my ($name) = $file =~ m{([^/]+)$};
        my @bad = grep { s/$unseen//gr =~ /Sl4shed|Key(?:\+|%2b)5f3b/i } split /^/, slurp($file);
        is(scalar @bad, 0, "$name - nothing of a key with a slash") or diag(@bad[0 .. ($#bad < 20 ? $#bad : 20)]);
    }
}

# Nothing is changed on its way.
{
    my $uri = "/proxied/$key/x?key=$key&a=1";
    my @headers = (Authorization => "Bearer $key", 'X-Api-Key' => $key, Cookie => "k=$key; a=1", Referer => "http://h/$key");
    is($s->client->get($uri, @headers)->{body}, "Bearer $key|$key|k=$key; a=1|$uri|http://h/$key", 'an upstream without keys gets what was sent');
    is($s->client->get('/proxied/x', Authorization => $basic)->{body}, "$basic|||/proxied/x|", 'and the credentials of another scheme');
    is($s->client->get("/kept/x?key=$key&a=1", 'X-Api-Key' => $key)->{body}, '|***||/kept/x?key=***&a=1|', 'one behind a location with keys does not get them');
    is($s->client->get('/basic/text.txt', Authorization => $basic)->{status}, 200, 'auth_basic in the same server');
    is($s->client->get('/basic/text.txt')->{status}, 401, 'which asks for a password');
    is($s->client->get("/o/text.txt?key=$key", Authorization => $basic)->{status}, 200, 'beside a key');
    is($s->client->get("/moved/x?key=$key")->{h}{location}, "http://h/moved/x?key=$key", 'a redirect');
    ok($s->wait(10, sub { slurp("$s->{dir}/logs/all.log") =~ /\Q$basic\E/ }), 'a password is for others to hide');
}
is(join('', $s->trouble), '', 'nothing bad in the log');

done_testing();
