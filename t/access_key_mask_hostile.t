# access_key_mask: requests made so that a mask hides what is nobody's key, takes long, or is beside the key. What nginx
# knows of itself stays in the logs, short texts are told apart whatever comes beside them, and no key is shown.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ImageGate::Exports qw(replace_file);
use ImageGate::Fixtures qw(fixture_dir slurp);
use ImageGate::Keys qw(key_file);
use ImageGate::Server qw(free_port);

my $files = fixture_dir();
my $key = 'GoodKey5f3b09c2';
my $hex = 'abKey0123456789';
my $up_port = free_port();

my $s = ImageGate::Server->new;
replace_file("$s->{dir}/keys", key_file(acme => $key, hex => $hex));
$s->{http} = qq~
    access_key_zone p 256k;
    access_key_file p $s->{dir}/keys;
    map \$request \$taken { default "(\$request)"; }
    log_format all '\$remote_addr|\$from|\$status|\$server_protocol|\$access_key_id|\$http_user_agent|\$request|\$http_x_other';
    log_format taken '\$status \$taken';
    upstream dead { ~ . join(' ', map { "server 127.0.0.1:$_ max_fails=0;" } 1 .. 8) . qq~ }
    server { listen 127.0.0.1:$up_port; location / { return 200 "\$http_cookie"; } }
~;
$s->start(qq~
    server_name localhost;
    client_header_timeout 1s;
    access_log $s->{dir}/logs/all.log all;
    access_log $s->{dir}/logs/combined.log combined;
    access_log $s->{dir}/logs/taken.log taken;
    location /o/ { access_key zone=p from=arg:key|header:X-Api-Key|uri:2; alias $files/; }
    location /cookie/ { access_key zone=p from=cookie:k; proxy_pass http://127.0.0.1:$up_port; }
    location /kept/ { access_key zone=p from=cookie:k; access_key_strip off; proxy_pass http://127.0.0.1:$up_port; }
    location /open/ { set \$from \$remote_addr; alias $files/; }
    location /dead/ { set \$from \$remote_addr; proxy_pass http://dead; }
    location /deny/ { set \$from \$remote_addr; deny all; }
~);
my $from = '127\.0\.0\.1';

# The lines that a request made.
sub lines {
    my ($file, $from) = @_;
    return split /^/, substr slurp("$s->{dir}/logs/$file"), $from;
}

sub size { return -s "$s->{dir}/logs/$_[0]" || 0 }

my $count = 0;

# The lines in the error log and in the access logs of a request.
sub made {
    my ($uri, @headers) = @_;
    my %before = map { $_ => size($_) } qw(error.log all.log combined.log taken.log);
    $count++;
    my $status = $s->client->get($uri, @headers)->{status};
    $s->wait(10, sub { size('taken.log') > $before{'taken.log'} });
    return ($status, map { ImageGate::Server::as_nginx(join '', lines($_, $before{$_})) } qw(error.log all.log combined.log taken.log));
}

sub pieces {
    my ($n, $form, $from) = @_;
    my $numbers = () = $form =~ /%0/g;
    return join '', map { sprintf $form, ($from + $_) x $numbers } 1 .. $n;
}

# What a client would not have in the logs: its address, the time, what happened.
# Angie does not show us its server among its own words: whoever calls that a key hides it.
my $server = '"x" failed' =~ $s->unseen ? qr/(?:localhost|\*{3})/ : qr/localhost/;
my ($day) = map { sprintf '%04d/%02d/%02d', $_->[5] + 1900, $_->[4] + 1, $_->[3] } [localtime];
my @hiding = (
    ['17 keys', join '&', map { sprintf 'key=a%07d', $_ } 1 .. 17],
    ['many arguments', pieces(1150, '&%06d', 100000)],
    ['its address', 'key=127.0.0.1'],
    ['a part of it', 'key=27.0.0.'],
    ['words of the message', 'key=No%20such%20file%20or%20directory&key=failed&key=open()%20%22&key=access%20forbidden%20by%20rule'],
    ['words of nginx', 'key=,%20client:%20127.0.0.1&key=,%20server:%20localhost&key=client:%20&key=localhost'],
    ['the time', "key=$day&key=[error]&key=error"],
    ['a protocol, and a name', 'key=HTTP/1.1&key=acme'],
);
for (@hiding) {
    my ($name, $query) = @$_;
    for ([open => 404, qr/open\(\) "[^"]*gone" failed \(2: No such file or directory\)/], [deny => 403, qr/access forbidden by rule/]) {
        my ($place, $want, $message) = @$_;
        my ($status, $error, $all, $combined) = made("/$place/gone?$query", 'User-Agent' => 'me/1.0 (Evil; scan)');
        is($status, $want, "$name, /$place/");
        like($error, qr/^\Q$day\E \d\d:\d\d:\d\d \[error\] \d+#\d+: \*\d+ $message, client: $from, server: $server, request: "GET/m,
            '... the error log says what happened, to whom');
        like($all, qr/^$from\|$from\|$status\|HTTP\/1\.1\|(?:-|acme)?\|me\/1\.0 \(Evil; scan\)\|/m, '... the access log from where');
        like($combined, qr/^$from - - \[/m, '... the usual one, too');
    }
}
# Of a partner, who it is.
{
    my ($status, $error, $all) = made('/o/gone?key=acme', 'X-Api-Key' => $key);
    is($status, 400, 'two keys');
    ($status, $error, $all) = made('/o/gone?a=acme', 'X-Api-Key' => $key, 'X-Other' => 'acme');
    like($all, qr/^$from\|[^|]*\|404\|HTTP\/1\.1\|acme\|/m, 'the name of a partner');
}

# Texts that take long, with a key behind all of it: what comes too late is masked, and what is short is not.
my %long = (
    'short pieces'      => [pieces(1100, '&%05d', 10000), 'http://h' . pieces(1300, '/%05d', 20000), '%41' x 2600],
    'escapes'           => [pieces(260, '&%%25252525%05d%%252e%05d', 30000), '%2541' x 1500, '%25' x 2600],
    'marks'             => [pieces(1100, '.%05d', 40000), pieces(1300, '!%05d', 50000), pieces(1300, '~%05d', 60000)],
    'signs of equality' => ['a' . '=' x 7000, '%41=' x 1900, pieces(1300, '%05d=', 70000)],
    '16 keys'           => [join('&', map({ sprintf 'key=b%07d', $_ } 1 .. 16), '%41' x 2400), '%41' x 2600, '%62' x 2600],
    'keys with slashes' => [join('&', map { "key=aaaaa/$_" . '/bbbbb' x 80 } 1 .. 15), '/bbbbb' x 1300, '/aaaaa' x 1300],
);
for my $name (sort keys %long) {
    my ($query, $referer, $cookie) = @{ $long{$name} };
    my ($status, $error, $all, $combined) =
        made("/open/gone?$query", Referer => "$referer $key", Cookie => "$cookie;$key", 'X-Other' => 'short-one 1', 'User-Agent' => "me $key");
    is($status, 404, "$name");
    like($error, qr/ failed \(2: No such file or directory\), client: $from, server: localhost, /, '... is said to be an error');
    like($all, qr/^$from\|$from\|404\|HTTP\/1\.1\|-?\|me \*\*\*\|.*\|short-one 1$/m, '... what is short is shown without its key');
    unlike("$error$all$combined", qr/\Q$key\E/, '... and no key');
}

# Of one request there may be many lines: what they take is limited for all of them, and short ones are looked at.
{
    my ($status, $error) = made("/dead/$key/pic?a=1&key=other");
    is(scalar(() = $error =~ m{"GET /dead/\*\*\*/pic\?a=1&key=\*\*\* HTTP/1.1", upstream: "http://127.0.0.1:\d/dead/\*\*\*/pic\?a=1&key=\*\*\*"}g), 8,
        "eight servers that do not answer, $status") or diag($error);
    my $from_number = 80000;
    my $long = sub { substr pieces(1100, '/%%25%06d', $from_number += 1100), 0, 7800 };
    ($status, $error) = made('/dead' . $long->(), 'User-Agent' => $key);
    is(scalar(() = $error =~ /Connection refused\) while connecting to upstream, client: $from, server: localhost, /g), 8, 'eight long lines');
    my @workers = $s->workers;
    my $spent = sub { return (split ' ', slurp("/proc/$workers[0]/schedstat"))[0] };
    my $median = sub {
        my ($place) = @_;
        my @took = sort { $a <=> $b } map { my $before = $spent->(); made($place . $long->()); $spent->() - $before } 1 .. 25;
        return $took[12];
    };
    SKIP: {
        skip 'what a worker spends is not told', 1 if @workers != 1 || !-r "/proc/$workers[0]/schedstat";
        my ($one, $eight) = map { $median->($_) } '/open/gone', '/dead';
        cmp_ok($eight, '<', 2.5 * $one, sprintf '... take %d us, one takes %d us', $eight / 1e3, $one / 1e3);
    }
}

# A key beside what is no escape, or no ASCII.
my $unseen = $s->unseen;
my @beside = map { s/KEY/$key/gr } '/open/x?a=KEY%', '/open/x?a=KEY%zz', '/open/x?a=KEY%u0041', '/open/x?a=%KEY', '/open/x?u=http://h/o/KEY%/y',
    '/open/KEY%zz', '/open/x?a=%E2%80%9CKEY%E2%80%9D', '/open/%E2%80%9CKEY%E2%80%9D', '/open/x?a=KEY%C2%A0', '/open/KEY%EF%BC%8C/x',
    '/open/x?a=KEY%7F', '/open/x?a=KEY%2', "/open/x?a=%$hex", '/open/x?u=http%3A%2F%2Fh%2FKEY%25%2Fx', '/open/x?a=KEY%25zz';
for my $uri (@beside) {
    my ($status, $error, @access) = made($uri);
    unlike(join('', @access), qr/\Q$key\E|\Q$hex\E/, "$uri - not in an access log");
    # What nginx refuses while it reads it, no module sees.
    unlike($error =~ s/$unseen//gr, qr/\Q$key\E|\Q$hex\E/, '... nor in the error log') if $status != 400;
}
for my $agent ("\xe2\x80\x9c$key\xe2\x80\x9d", "a\xc2\xa0$key", "$key\x{7f}") {
    my (undef, @logs) = made('/open/x', 'User-Agent' => $agent, Referer => $agent);
    unlike(join('', @logs), qr/\Q$key\E/, 'a user agent between quotes that are no ASCII');
}

# A line that is too long is cut where the room ends, within a key or not; one that ends too early anywhere.
for my $n (8100 .. 8195) {
    my $c = $s->client;
    $c->send_raw('GET ' . substr('/open/' . 'y' x 9000, 0, $n - 4) . ($n % 2 ? "/$key/" : "?other=$key&") . 'z' x 600 . " HTTP/1.1\r\nHost: x\r\n\r\n");
    is($c->recv->{status}, 414, "a line with a key at $n") if $n % 19 == 0;
}
for my $n (5 .. length $key) {
    my $c = $s->client;
    $c->send_raw('GET /open/' . substr $key, 0, $n);
    $c->close;
}
my ($status) = made('/open/x?last');
$s->wait(10, sub { slurp("$s->{dir}/logs/taken.log") =~ /last/ });
for my $file (qw(all.log combined.log taken.log)) {
    my @bad = grep { /GoodK/ } lines($file, 0);
    is(scalar @bad, 0, "$file - not even the beginning of a key") or diag(map { substr $_, -200 } @bad[0 .. ($#bad < 5 ? $#bad : 5)]);
}
like(slurp("$s->{dir}/logs/combined.log"), qr{"GET /open/y+/\*\*\*" 414}, 'of which the rest is shown');

# What is beside the cookie of a key is as it was.
my $others = 'prefs={"a":1,"b":[2,3]}; k=KEY; d=Mon, 01 Jan';
sub echoed { my ($place, $cookie) = @_; return $s->client->get("/$place/x", Cookie => $cookie =~ s/KEY/$key/r)->{body} }
is(echoed('cookie', $others), 'prefs={"a":1,"b":[2,3]}; d=Mon, 01 Jan', 'cookies without the key');
is(echoed('cookie', 'k=KEY; a="b,c"'), 'a="b,c"', '... where it came first');
is(echoed('cookie', 'a="b,c";k=KEY'), 'a="b,c"', '... or last');
is(echoed('kept', $others), 'prefs={"a":1,"b":[2,3]}; k=***; d=Mon, 01 Jan', '... or where it is only masked');

is(join('', $s->trouble), '', 'nothing bad in the log');

done_testing();
