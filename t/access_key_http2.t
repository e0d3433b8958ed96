# "concurrency=" and "rate=" of the key file over HTTP/2 and TLS: streams of few connections, streams that are
# reset, connections that go away, and a client that reads now and then. As in access_key_rate.t only what is too
# fast fails, and what takes many times as long.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use IO::Select;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use Socket qw(SOL_SOCKET SO_RCVBUF INADDR_LOOPBACK pack_sockaddr_in);
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Exports qw(free_port replace_file run_child);
use ImageGate::Keys qw(key_file);
use ImageGate::Server;

my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
plan skip_all => 'this nginx is built without HTTP/2 or TLS' if `$nginx -V 2>&1` !~ /http_v2_module/ || `$nginx -V 2>&1` !~ /http_ssl_module/;

my ($LIMIT, $RATE, $FAST) = (5, 200 * 1024, 2 * 1024 * 1024);

my $s = ImageGate::Server->new(workers => 4);
my $dir = $s->{dir};
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout $dir/tls.key -out $dir/tls.crt 2>/dev/null") == 0
    or die 'openssl: no certificate';
replace_file("$dir/keys", key_file(
    acme => "KEY-ACME concurrency=$LIMIT", paced => 'KEY-PACED rate=200k/s', fast => 'KEY-FAST rate=2m/s'));
mkdir "$dir/files";
my %files = (large => 'x' x 30_000_000, small => 'x', some => join('', map { chr $_ % 251 } 1 .. 100 * 1024),
    more => join('', map { chr $_ % 241 } 1 .. 1024 * 1024));
replace_file("$dir/files/$_", $files{$_}) for keys %files;
my $port = free_port();
$s->{http} = 'access_key_zone p 256k; access_key_file p keys;';
# What a client does not read is soon in the way.
$s->{listen} = "; listen 127.0.0.1:$port ssl http2 reuseport sndbuf=16k; ssl_certificate $dir/tls.crt; ssl_certificate_key $dir/tls.key";
$s->start(qq{ location / { access_key zone=p from=arg:key; alias $dir/files/; } });

# A port that leads to nginx by way of somebody who passes answers on now and then, and takes little in between.
sub slow_port {
    my $relay = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "relay: $!";
    run_child(sub {
        my $down = $relay->accept or return;
        my $up = IO::Socket::INET->new(Proto => 'tcp') or return;
        setsockopt $up, SOL_SOCKET, SO_RCVBUF, 4096 or return;
        connect $up, pack_sockaddr_in($port, INADDR_LOOPBACK) or return;
        my ($start, $select) = (time, IO::Select->new($up, $down));
        while (1) {
            my $is_open = (time - $start) - 0.3 * int((time - $start) / 0.3) > 0.25;
            for my $from ($select->can_read(0.01)) {
                next if $from == $up && !$is_open;
                sysread $from, my $bytes, 65536 or return;
                my $to = $from == $up ? $down : $up;
                while (length $bytes) { my $n = syswrite $to, $bytes or return; substr $bytes, 0, $n, '' }
            }
            sleep 0.01 if !$is_open;
        }
    });
    return $relay->sockport;
}

sub ask {
    my $to = $_[0] eq 'slow' ? slow_port() : $port;
    my $out = `node $FindBin::Bin/lib/h2.mjs $to @{[map { $_ eq 'slow' ? 'rate' : $_ } @_]}`;
    die "the client ended with $?" if $?;
    return decode_json($out);
}

{
    my $r = ask('concurrency', $LIMIT);
    is($r->{statuses}, join(' ', (200) x $LIMIT, (429) x 7), 'streams of two connections - so many run');
    is($r->{exact}, 10, 'streams that are reset - make room for one each, ten times');
    is($r->{gone}, 5, 'connections that go away - and for all of theirs');
}

# At least what is beyond the portions of streams that wait at once.
sub paced {
    my ($name, $r, $file, $rate, $streams) = @_;
    my $bytes = @{$r->{digests}} * length $files{$file};
    my $least = ($bytes - (1 + $streams) * $rate / 8) / $rate;
    is(scalar(grep { $_ eq sha256_hex($files{$file}) } @{$r->{digests}}), scalar @{$r->{digests}}, "$name - whole");
    cmp_ok($r->{took}, '>=', $least, "$name - no faster");
    cmp_ok($r->{took}, '<=', 3 * $least + 3, "$name - nor much slower");
}
paced('streams of one connection', ask('rate', "'/some?key=KEY-PACED'", 8), 'some', $RATE, 1);
paced('connections with TLS', ask('https', "'/some?key=KEY-PACED'", 4), 'some', $RATE, 1);
paced('a client that reads now and then', ask('slow', "'/more?key=KEY-FAST'", 8), 'more', $FAST, 8);

{
    my $r = ask('leave', "'/large?key=KEY-PACED'");
    is($r->{digests}[0], sha256_hex($files{small}), 'after streams that were reset');
    cmp_ok($r->{took}, '<', 3, 'after streams that were reset - soon');
}

is(join('', $s->trouble), '', 'nothing bad in the log');

done_testing();
