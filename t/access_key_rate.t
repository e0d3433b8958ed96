# "rate=" of the key file: how fast answers to all requests of a partner go out together, over
# workers, connections, small answers and protocols. A machine that is busy makes answers later,
# never earlier: only what is too fast fails, and what takes many times as long.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use ImageGate::Exports qw(write_file);
use ImageGate::Keys qw(key_file);
use ImageGate::Server;

my $RATE = 200 * 1024;
# What goes out at once.
my $PORTION = $RATE / 8;

my $s = ImageGate::Server->new(workers => 4, listen => 'reuseport');
write_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME rate=200k/s', free => 'KEY-FREE', slow => 'KEY-SLOW rate=10m/s'));
mkdir "$s->{dir}/files";
write_file("$s->{dir}/files/large", join '', map { chr $_ % 251 } 1 .. 100 * 1024);
write_file("$s->{dir}/files/small", 'x' x 10_000);
$s->{http} = 'access_key_zone p 256k; access_key_file p keys;';
$s->start(qq{
    location / { access_key zone=p from=arg:key; alias $s->{dir}/files/; }
    location /own/ { access_key zone=p from=arg:key; limit_rate 50k; alias $s->{dir}/files/; }
    location /packed/ {
        access_key zone=p from=arg:key;
        proxy_pass http://127.0.0.1:$s->{port}/files/;
    }
    location /files/ { alias $s->{dir}/files/; }
});

# Answers to requests that are made at once, each on a connection; and in what time all came.
sub ask {
    my (@uris) = @_;
    my @c = map { $s->client(timeout => 60) } @uris;
    $_->connect for @c;
    my $start = time;
    $c[$_]->send('GET', $uris[$_]) for 0 .. $#c;
    my @r = map { $_->recv } @c;
    return (time - $start, @r);
}

sub pace {
    my ($name, $took, $bytes, $rate) = @_;
    my $least = ($bytes - 2 * $PORTION) / ($rate || $RATE);
    cmp_ok($took, '>=', $least, "$name - no faster");
    cmp_ok($took, '<=', 3 * $least + 3, "$name - nor much slower");
}

my $whole = do { open my $in, '<', "$s->{dir}/files/large" or die $!; local $/; <$in> };

{
    my ($took, $r) = ask('/large?key=KEY-ACME');
    is($r->{body}, $whole, 'one answer - whole');
    pace('one answer', $took, length $whole);
}

{
    my ($took, @r) = ask(('/large?key=KEY-ACME') x 8);
    is(scalar grep({ $_->{body} eq $whole } @r), 8, 'eight at once - whole');
    pace('eight at once', $took, 8 * length $whole);
}

{
    my $c = $s->client;
    my $start = time;
    my $good = grep { $c->get('/small?key=KEY-ACME')->{status} == 200 } 1 .. 60;
    is($good, 60, 'many small ones');
    pace('many small ones', time - $start, 60 * 10_000);
}

{
    my ($took, $r) = ask('/packed/large?key=KEY-ACME', '/small?key=KEY-ACME');
    is($r->{body}, $whole, 'of an upstream - whole');
    pace('of an upstream', $took, 10_000 + length $whole);
}

{
    my ($took, $r) = ask('/own/large?key=KEY-SLOW');
    is($r->{body}, $whole, 'limit_rate of the location - whole');
    pace('limit_rate of the location', $took, length($whole), 50 * 1024);
}

{
    # While one is at its rate, others are not held up.
    my $c = $s->client(timeout => 60);
    $c->send('GET', '/large?key=KEY-ACME');
    my ($took, @r) = ask(('/large?key=KEY-FREE') x 8);
    is(scalar grep({ $_->{body} eq $whole } @r), 8, 'others - whole');
    cmp_ok($took, '<', length($whole) * 8 / $RATE, 'others - at once');
    is($c->recv->{body}, $whole, 'others - and the one');
}

{
    my $c = $s->client;
    is($c->request('HEAD', '/large?key=KEY-ACME')->{status}, 200, 'no body') for 1 .. 3;
    is($c->get('/nothing?key=KEY-ACME')->{status}, 404, 'an error');
    # Who leaves owes nothing.
    for (1 .. 3) {
        my $gone = $s->client(rcvbuf => 4096);
        $gone->send('GET', '/large?key=KEY-ACME');
        $gone->abort;
    }
    my @old = $s->workers;
    kill 'KILL', $old[0];
    $s->wait(10, sub { !kill 0, $old[0] });
    my ($took, $r) = ask('/small?key=KEY-ACME');
    is($r->{status}, 200, 'after clients and a worker that left');
    cmp_ok($took, '<', 3, 'after clients and a worker that left - soon');
}

my @bad = grep { !/exited on signal 9/ } $s->trouble;
is("@bad", '', 'nothing bad in the log');

done_testing();
