# "concurrency=" of the key file: how many requests of a partner run at once, over workers, clients
# that leave, killed workers and reloads. A request runs as long as its answer does not come to an
# end, for which clients that read nothing see to it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Exports qw(replace_file);
use ImageGate::Keys qw(key_file);
use ImageGate::Server;

my $LIMIT = 5;

my $s = ImageGate::Server->new(workers => 4);
replace_file("$s->{dir}/keys", key_file(acme => "KEY-ACME,KEY-NEXT concurrency=$LIMIT", few => 'KEY-FEW concurrency=5 requests=3/month'));
mkdir "$s->{dir}/files";
replace_file("$s->{dir}/files/large", 'x' x 30_000_000);
replace_file("$s->{dir}/files/small", 'x');
$s->{http} = "access_key_zone p 256k state=$s->{dir}/state save=100ms; access_key_file p keys poll=100ms;";
$s->start(qq{
    error_page 404 /small;
    location / {
        access_key zone=p from=arg:key;
        access_key_errors quota=429;
        add_header X-Status \$access_key_status always;
        add_header X-Pid \$pid;
        alias $s->{dir}/files/;
    }
    location /redirect/ { access_key zone=p from=arg:key; access_key_redirect /inside\$access_key_uri; }
    location /inside/redirect/ { internal; alias $s->{dir}/files/; }
});

# One request that does not end: its client, and the beginning of the answer.
sub begin {
    my ($uri) = @_;
    my $c = $s->client(rcvbuf => 4096);
    $c->send('GET', $uri || '/large?key=KEY-ACME');
    my $end = time + 10;
    until ($c->{buf} =~ /\r\n\r\n/) {
        my ($n, $e) = $c->fill($end);
        die 'no answer: ' . ($e || 'closed') if $e || !$n;
    }
    my ($status) = $c->{buf} =~ m{^HTTP/1\.1 (\d+)};
    return ($c, $status, $c->{buf});
}

# Asks so often; those that run, and what the others were told.
sub begin_many {
    my ($n, $uri) = @_;
    my (@run, @refused);
    for (1 .. $n) {
        my ($c, $status, $head) = begin($uri);
        $status == 200 ? push @run, $c : push @refused, $head;
    }
    return (\@run, \@refused);
}

# As many as may run do, once the requests that ended have.
sub refill {
    my ($run, $n) = @_;
    return $s->wait(10, sub {
        my ($more) = begin_many(1);
        push @$run, @$more;
        return @$run >= $n;
    });
}

{
    my $name = 'a limit';
    my ($run, $refused) = begin_many(12);
    is(scalar @$run, $LIMIT, "$name - so many run");
    is(scalar grep({ m{^HTTP/1.1 429 .*\nRetry-After: 1\r\n(?:.*\n)?X-Status: concurrency\r\n}s } @$refused), 7, "$name - the others may come again");
    is((begin('/large?key=KEY-NEXT'))[1], 429, "$name - the other key is the same partner's");
    is((begin('/redirect/large?key=KEY-ACME'))[1], 429, "$name - wherever it is asked for");
    is((begin('/large?key=KEY-FEW'))[1], 200, "$name - others have their own");
    like($s->log, qr/\[warn\].*"acme" has as many requests at once as it may, zone "p"/, "$name - a line");

    # Ten rounds in which some leave at once, some later.
    my $exact = 0;
    for my $round (1 .. 10) {
        my @leave = splice @$run, 0, 1 + $round % $LIMIT;
        $_->abort for @leave;
        $exact++ if refill($run, $LIMIT) && @$run == $LIMIT && !@{ (begin_many(4))[0] };
    }
    is($exact, 10, "$name - whoever leaves makes room for one, ten times");
    $_->abort for @$run;
}

{
    my $name = 'answers that end';
    my $c = $s->client;
    ok($s->wait(10, sub { $c->get('/small?key=KEY-ACME')->{status} == 200 }), "$name - all left");
    my %seen;
    $seen{$c->get("/$_?key=KEY-ACME")->{status}}++ for ('small', 'nothing', 'redirect/small') x 20;
    is_deeply(\%seen, { 200 => 40, 404 => 20 }, "$name - one after the other is one at once");
    $seen{$c->get('/small?key=KEY-FEW')->{status}}++ for 1 .. 20;
    is($seen{429}, 18, "$name - refused ones run no more");
    my ($run) = begin_many(1);
    is(scalar @$run, 1, "$name - and nobody else minds");
    $_->abort for @$run;
}

{
    my $name = 'killed workers';
    sleep 0.3;
    my ($run) = begin_many(12);
    is(scalar @$run, $LIMIT, "$name - so many run before");
    my @old = $s->workers;
    kill 'KILL', @old;
    ok($s->wait(10, sub { !grep { kill 0, $_ } @old }), "$name - all are gone");
    ok($s->wait(10, sub { $s->client->get('/ready')->{status} == 200 }), "$name - others come");
    ($run) = begin_many(12);
    is(scalar @$run, $LIMIT, "$name - as many run after, and no more");

    # Of one that dies alone, what it had is free and nothing else.
    my ($dies) = $run->[0]{buf} =~ /^X-Pid: (\d+)/m;
    kill 'KILL', $dies;
    ok($s->wait(10, sub { !kill 0, $dies }), "$name - one of them");
    my @left = grep { $_->{buf} !~ /^X-Pid: $dies\r/m } @$run;
    cmp_ok(scalar @left, '<', $LIMIT, "$name - had some (" . @left . ' are left)');
    my ($more) = begin_many(12);
    is(@left + @$more, $LIMIT, "$name - makes room for what it had");
    $_->abort for @$run, @$more;
}

# Another process gets the number of one that died: the kernel is told which comes next, where it listens.
SKIP: {
    my $name = 'a number that is used again';
    my $next = '/proc/sys/kernel/ns_last_pid';
    my $takes = sub {
        my ($number) = @_;
        for (1 .. 50) {
            open my $out, '>', $next or return;
            syswrite $out, $number - 1 or return;
            close $out;
            my $pid = fork // return;
            if (!$pid) { sleep 30; require POSIX; POSIX::_exit(0) }
            return $pid if $pid == $number;
            kill 'KILL', $pid;
            waitpid $pid, 0;
        }
        return;
    };
    ok($s->wait(10, sub { my ($run) = begin_many($LIMIT); my $n = @$run; $_->abort for @$run; $n == $LIMIT }), "$name - all are free before");
    sleep 0.3;
    my ($run) = begin_many(12);
    my ($dies) = map { $_->{buf} =~ /^X-Pid: (\d+)/m } @$run;
    kill 'KILL', $dies;
    ok($s->wait(10, sub { !kill 0, $dies }), "$name - a worker dies");
    my @left = grep { $_->{buf} !~ /^X-Pid: $dies\r/m } @$run;
    my $other = $takes->($dies);
    if (!$other) {
        $_->abort for @$run;
        skip 'the numbers of processes are not ours to choose', 2;
    }
    my $more = [];
    ok(refill($more, $LIMIT - @left), "$name - what it had is free");
    is(scalar @{ (begin_many(5))[0] }, 0, "$name - and nothing else");
    kill 'KILL', $other;
    waitpid $other, 0;
    $_->abort for @$run, @$more;
}

{
    my $name = 'a reload';
    ok($s->wait(10, sub { my ($run) = begin_many($LIMIT); my $n = @$run; $_->abort for @$run; $n == $LIMIT }), "$name - all are free before");
    my $run = [];
    ok(refill($run, $LIMIT), "$name - so many run");
    my $old = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - new workers");
    is(scalar @{ (begin_many(5))[0] }, 0, "$name - those of the old ones count");
    replace_file("$s->{dir}/keys", key_file(acme => "KEY-ACME concurrency=7"));
    ok(refill($run, 7), "$name - a number that grows holds at once");
    is(scalar @{ (begin_many(5))[0] }, 0, "$name - and no more");
    $_->abort for @$run;
}

my @bad = grep { !/exited on signal 9/ } $s->trouble;
is("@bad", '', 'nothing else in the log');

done_testing();
