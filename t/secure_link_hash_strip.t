# secure_link_hash_strip: arguments leave before the upstream, the cache and the log, and the link
# is judged by them all the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ImageGate::Fixtures qw(slurp);
use ImageGate::Links;
use ImageGate::Server;

my $s = ImageGate::Server->new;
mkdir "$s->{dir}/cache";
mkdir "$s->{dir}/html";
for (['f.txt', 'served'], ['page.html', '[<!--#include virtual="/echo/part?t=x&a=1" -->]']) {
    open my $out, '>', "$s->{dir}/html/$_->[0]" or die $!;
    print $out $_->[1];
    close $out;
}
$s->{http} = qq~
    log_format all '\$request|\$request_uri|\$args|\$arg_t|\$arg_e|\$secure_link_hash_reason|\$secure_link_hash_expires|\$status';
    proxy_cache_path $s->{dir}/cache keys_zone=c:1m;
~;
my $up = "http://127.0.0.1:$s->{port}";
$s->start(qq~
    access_log $s->{dir}/logs/all.log all;
    root $s->{dir}/html;
    secure_link_hash         \$arg_t,\$arg_e;
    secure_link_hash_message "\$uri|\$secure_link_hash_expires|\$arg_a";
    secure_link_hash_key     key;
    secure_link_hash_require on;
    secure_link_hash_strip   t e;

    location /echo/ { secure_link_hash_require off; secure_link_hash_strip off; access_log off; return 200 "\$request_uri|\$args|\$http_x_args"; }
    location /plain/ { proxy_pass $up/echo/; }
    location /whole/ { rewrite ^/whole/(.*) /echo/\$1 break; secure_link_hash_message "any|\$secure_link_hash_expires|"; proxy_pass $up; }
    location /variable/ { proxy_set_header X-Args "\$args \$is_args"; proxy_pass $up/echo/\$request_uri; }
    # What an expression holds of the request is the same before and behind a judgement.
    location /mixed/ { proxy_set_header X-Args "\$arg_t,\$request_uri,\$secure_link_hash_reason,\$arg_t,\$request_uri"; proxy_pass $up/echo/; }
    # proxy_pass without a URI hands on what the client wrote.
    location /raw/ { proxy_pass $up; }
    location /raw/up { secure_link_hash_require off; secure_link_hash_strip off; access_log off; return 200 "\$request_uri"; }
    location /cached/ {
        proxy_cache c;
        proxy_cache_valid 1h;
        add_header X-Cache \$upstream_cache_status;
        set \$before \$request_uri;
        secure_link_hash_message "any";
        proxy_pass $up/echo/;
    }
    location /any/ { satisfy any; allow all; proxy_pass $up/echo/; }
    location /denied/ { deny all; }
    location /returned/ { return 200 "\$arg_t"; }
    location /page/ { error_page 403 /said; }
    location = /said { secure_link_hash_require off; return 200 "\$args|\$request_uri"; }
    location /none/ { secure_link_hash_strip off; proxy_pass $up/echo/; }
    location /one/ { secure_link_hash_strip T; proxy_pass $up/echo/; }
    location /ssi/ { ssi on; alias $s->{dir}/html/; }
    location /secret/ {
        secure_link_hash_secret word;
        proxy_pass $up/echo/;
    }
    location /args/ { secure_link_hash_message "\$args"; secure_link_hash \$http_x_token; proxy_pass $up/echo/; }
~);

my $c = $s->client;
my $t_of = sub { my ($path, $a) = @_; return mac_token("$path|" . LATER . '|' . ($a || ''), 'key') };
my $link = sub { my ($path, $a) = @_; return sprintf '%s?a=%s&t=%s&b=%%20&e=%s', $path, $a || '', $t_of->($path, $a), LATER };

# The next lines of the log; what is empty is "-" there.
sub lines { return grep { !/^GET .ready / } split /\n/, slurp("$s->{dir}/logs/all.log") }
my $seen = 0;
sub logged {
    my $want = shift;
    $s->wait(5, sub { (() = lines()) >= $seen + $want });
    my @lines = lines();
    my @new = splice @lines, $seen, $want;
    $seen += $want;
    s/(?<=\|)-(?=\|)//g for @new;
    return @new;
}

# Request, body (or status), log line; what is judged is the link as it came.
my $l = LATER;
for (
    [$link->('/plain/x', 5), '/echo/x?a=5&b=%20|a=5&b=%20|', "GET /plain/x?a=5&b=%20 HTTP/1.1|/plain/x?a=5&b=%20|a=5&b=%20|||ok|$l|200"],
    ['/plain/x?t=' . $t_of->('/plain/x') . "&e=$l", '/echo/x||', "GET /plain/x HTTP/1.1|/plain/x||||ok|$l|200"],
    ["/whole/x?e=$l&t=" . mac_token("any|$l|", 'key'), '/echo/x||', "GET /whole/x HTTP/1.1|/whole/x||||ok|$l|200"],
    [$link->('/variable/x', 6), '/echo//variable/x?a=6&b=%20|a=6&b=%20|a=6&b=%20 ?', undef],
    [$link->('/mixed/x', 8), '/echo/x?a=8&b=%20|a=8&b=%20|,/mixed/x?a=8&b=%20,ok,,/mixed/x?a=8&b=%20', undef],
    [$link->('/plain/y', 7) . 'x', 403, 'GET /plain/y?a=7&b=%20 HTTP/1.1|/plain/y?a=7&b=%20|a=7&b=%20|||malformed||403'],
    [$link->('/any/x', 1), '/echo/x?a=1&b=%20|a=1&b=%20|', "GET /any/x?a=1&b=%20 HTTP/1.1|/any/x?a=1&b=%20|a=1&b=%20|||ok|$l|200"],
    ['/any/x?t=wrong&b', '/echo/x?b|b|', 'GET /any/x?b HTTP/1.1|/any/x?b|b|||malformed||200'],
    [$link->('/denied/x'), 403, "GET /denied/x?a=&b=%20 HTTP/1.1|/denied/x?a=&b=%20|a=&b=%20|||ok|$l|403"],
    ['/returned/x?t=here&e=1&c', 'here', 'GET /returned/x?c HTTP/1.1|/returned/x?c|c|||malformed|1|200'],
    ['/page/x?t=wrong&c', '|/page/x?c', 'GET /page/x?c HTTP/1.1|/page/x?c||||missing||403'],
    [$link->('/none/x'), "/echo/x?a=&t=@{[$t_of->('/none/x')]}&b=%20&e=$l|a=&t=@{[$t_of->('/none/x')]}&b=%20&e=$l|", undef],
    ["/one/x?e=$l&T=" . $t_of->('/one/x') . '&t=x', "/echo/x?e=$l|e=$l|", undef],
    [$link->('/ssi/page.html'), '[/ssi/page.html?a=&b=%20|t=x&a=1|]', undef],
    ['/secret/' . secret_link('x?t=1&a=2&e=3', 'word'), qr{^/echo/\w{32}/x\?a=2\|a=2\|$}, qr{^GET /secret/\w{32}/x\?a=2 HTTP/1.1\|.*\|ok\|\|200$}],
) {
    my ($uri, $want, $line) = @$_;
    my $r = $c->get($uri);
    if ($want =~ /^\d+$/) { is($r->{status}, $want, "$uri: status") }
    elsif (ref $want) { like($r->{body}, $want, "$uri: what goes on") }
    else { is($r->{body}, $want, "$uri: what goes on") }
    my ($logged) = logged(1);
    if (ref $line) { like($logged, $line, "$uri: what is logged") }
    elsif (defined $line) { is($logged, $line, "$uri: what is logged") }
}

# Without a URI in proxy_pass.
is($c->get('/raw/x?a=1&t=' . mac_token("/raw/x|$l|1", 'key') . "&e=$l")->{status}, 403, 'proxied as it came, but without the token');
like((logged(2))[0], qr{^GET /raw/x\?a=1 HTTP/1\.[01]\|/raw/x\?a=1\|a=1\|\|\|missing}, 'which the next server does not find');

# Two links to one thing are one entry of the cache.
{
    for my $n (1, 2) {
        my $e = LATER + $n;
        my $r = $c->get('/cached/x?a=1&t=' . mac_token('any', 'key') . "&e=$e");
        is($r->{status}, 200, "cached $n: let in");
        is($r->{h}{'x-cache'}, $n == 1 ? 'MISS' : 'HIT', "cached $n: one entry, although \$request_uri was asked for before");
    }
    logged(2);
}
# One that is refused while it is read.
{
    my $r = do { my $c = $s->client; $c->send_raw("GET /plain/x?a=1&t=wrong&e=1 HTTP/1.1\r\nHost: a b\r\n\r\n"); $c->recv };
    is($r->{status}, 400, 'a bad request');
    like((logged(1))[0], qr{^GET /plain/x\?a=1 HTTP/1\.1\|}, 'is logged without them');
}
# The arguments as they came are what is signed.
{
    my $r = $c->get('/args/x?e=1&t=2&a=3', 'X-Token' => mac_token('e=1&t=2&a=3', 'key'));
    is($r->{body}, '/echo/x?a=3|a=3|', 'message of $args');
    like((logged(1))[0], qr/\|a=3\|\|\|ok\|/, 'which is judged so in the log, too');
}
$s->stop;
is_deeply([$s->trouble], [], 'no trouble');
done_testing;
