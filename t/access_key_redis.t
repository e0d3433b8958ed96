# access_key_redis: two nodes and a real Redis between them, which stops, forgets, loses its
# replies, is slow, or wants another password.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Exports qw(server partner get_many free_port wait_for run_child);

my $dir = File::Temp::tempdir('image-gate-redis-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my @children;
my $owner = $$;
END {
    if ($$ == $owner) {
        local $?;
        kill 'KILL', @children;
        waitpid $_, 0 for @children;
    }
}

# A Redis that writes everything to its disk. $password may be the empty string.
sub start_redis {
    my ($port, $password) = @_;
    my $pid = run_child(sub {
        exec 'redis-server', '--port', $port, '--bind', '127.0.0.1', '--dir', $dir, '--save', '', '--appendonly', 'yes',
            '--appendfsync', 'always', '--requirepass', $password, '--logfile', "$dir/redis.log", '--daemonize', 'no';
    });
    push @children, $pid;
    wait_for(10, sub { (redis($port, $password, 'PING') || '') =~ /PONG/ }) or die 'no Redis: ' . `tail $dir/redis.log`;
    return $pid;
}

sub stop_redis {
    my $pid = shift;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    @children = grep { $_ != $pid } @children;
}

# A command; the answer as lines.
sub redis {
    my ($port, $password, @command) = @_;
    local %ENV = (%ENV, length $password ? (REDISCLI_AUTH => $password) : ());
    open my $cli, '-|', 'sh', '-c', 'exec redis-cli -p "$@" 2>&1', 'sh', $port, '--raw', @command or die $!;
    my $answer = do { local $/; <$cli> };
    close $cli;
    return $answer;
}

# A child between nginx and Redis. While $dir/drop exists it passes on what is asked, and
# closes the connection in place of an answer.
sub start_proxy {
    my ($to) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16) or die $!;
    my $port = $listen->sockport;
    push @children, run_child(sub {
        my (%peer, %kind);
        my $all = IO::Select->new($listen);
        for (;;) {
            for my $socket ($all->can_read) {
                if ($socket == $listen) {
                    my $client = $listen->accept or next;
                    my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to) or do { close $client; next };
                    @peer{$client, $server} = ($server, $client);
                    @kind{$client, $server} = ('client', 'server');
                    $all->add($client, $server);
                    next;
                }
                my $peer = $peer{$socket} or next;
                my $n = sysread $socket, my $bytes, 65536;
                if (!$n || ($kind{$socket} eq 'server' && -e "$dir/drop")) {
                    $all->remove($socket, $peer);
                    delete @peer{$socket, $peer};
                    close $_ for $socket, $peer;
                    next;
                }
                syswrite $peer, $bytes;
            }
        }
    });
    close $listen;
    return $port;
}

sub touch { open my $out, '>', $_[0] or die $! }

my ($port, $password) = (free_port(), 'PASSWORD-OF-REDIS');
my $redis = start_redis($port, $password);
my $proxy = start_proxy($port);

# Node a reaches Redis through the proxy, node b does not.
sub node {
    my ($node, $at, %o) = @_;
    my $more = delete $o{more} || '';
    return server(http => "access_key_redis redis://:$password\@127.0.0.1:$at/2 node=$node interval=100ms timeout=1s $more;",
        words => { acme => 'requests=30/day' }, quota => 'access_key_quota requests=1000 per=month;', %o);
}
my ($a, $b) = (node('a', $proxy), node('b', $port));

# A window of a partner as a node sees it.
sub window {
    my ($s, $id, $per) = @_;
    my ($window) = grep { $_->{quantity} eq 'requests' && $_->{per} eq $per } @{ partner($s, $id)->{windows} };
    return $window;
}

# Waits until a node sees that many requests of others in a window.
sub sees {
    my ($s, $id, $per, $remote, $name) = @_;
    my $found;
    wait_for(15, sub { ($found = window($s, $id, $per)->{remote}) == $remote });
    is($found, $remote, $name);
}

sub kept { my %all = split /\n/, redis($port, $password, '-n', 2, 'HGETALL', "access_key:{partners}:$_[0]"); return \%all }

# What is kept of a counter, without the notes.
sub is_kept {
    my ($key, $expected, $name) = @_;
    my %found;
    wait_for(15, sub {
        my $all = kept($key);
        %found = map { ($_ => $all->{$_}) } grep { !/^@/ } keys %$all;
        return join(' ', map { "$_=$found{$_}" } sort keys %found) eq join ' ', map { "$_=$expected->{$_}" } sort keys %$expected;
    });
    is_deeply(\%found, $expected, $name);
}

{
    my $name = 'sums';
    is(get_many($a, 10, 'acme')->{200}, 10, "$name - ten on one node");
    is(get_many($b, 7, 'acme')->{200}, 7, "$name - seven on the other");
    sees($a, 'acme', 'day', 7, "$name - the first sees the other's");
    sees($b, 'acme', 'day', 10, "$name - and the other the first's");
    is_kept('acme:requests', { a => 10, b => 7 }, "$name - in Redis, absolute and by node");
    my $start = window($a, 'acme', 'day')->{start};
    is_kept("acme:requests:day:$start", { a => 10, b => 7 }, "$name - so the window");
    cmp_ok(redis($port, $password, '-n', 2, 'TTL', "access_key:{partners}:acme:requests:day:$start"), '>', 86000,
        "$name - which is forgotten some day");
    cmp_ok(redis($port, $password, '-n', 2, 'TTL', 'access_key:{partners}:acme:requests'), '==', -1, "$name - totals are not");
    is(partner($a, 'acme')->{requests}, 10, "$name - totals shown are the node's own");
}

{
    my $name = 'a quota over both';
    is_deeply(get_many($a, 20, 'acme'), { 200 => 13, 429 => 7 }, "$name - thirty in all");
    sees($b, 'acme', 'day', 23, "$name - the other hears of it");
    is_deeply(get_many($b, 4, 'acme'), { 429 => 4 }, "$name - and lets nobody in");
    is(get_many($b, 2, 'beta.press')->{200}, 2, "$name - but others");
    sees($a, 'beta.press', 'month', 2, "$name - who are counted, too");
}

{
    my $name = 'Redis is stopped';
    stop_redis($redis);
    ok(wait_for(10, sub { $a->log =~ /access_key: redis does not work/ && $b->log =~ /access_key: redis does not work/ }),
        "$name - both notice");
    is(get_many($a, 5, 'beta.press')->{200}, 5, "$name - one serves on");
    is(get_many($b, 3, 'beta.press')->{200}, 3, "$name - so does the other");
    is_deeply(get_many($b, 2, 'acme'), { 429 => 2 }, "$name - by the last known sums");
    $redis = start_redis($port, $password);
    sees($a, 'beta.press', 'month', 5, "$name - started again, one has all of the other");
    sees($b, 'beta.press', 'month', 5, "$name - and the other of the one");
    is_kept('beta.press:requests', { a => 5, b => 5 }, "$name - nothing lost, nothing twice");
    ok(wait_for(5, sub { $a->log =~ /access_key: redis works again/ }), "$name - which is logged");
}

{
    my $name = 'Redis forgets everything';
    stop_redis($redis);
    system 'rm', '-rf', glob "$dir/appendonly*";
    $redis = start_redis($port, $password);
    is_kept('beta.press:requests', { a => 5, b => 5 }, "$name - and is told again");
    is_kept('acme:requests', { a => 30, b => 13 }, "$name - all of it");
    sees($a, 'beta.press', 'month', 5, "$name - by both");
}

{
    my $name = 'replies are lost';
    my $arrives = sub { (kept('beta.press:requests')->{a} || 0) > 5 };
    # Redis got it, although nobody said so. A connection that begins meanwhile sends nothing before its
    # password is answered; after some failures nginx waits for half a minute.
    my $is_noticed = 0;
    my $is_there = wait_for(120, sub {
        touch("$dir/drop");
        my $marked = length $a->log;
        $is_noticed = wait_for(10, sub { get_many($a, 1, 'beta.press'); (substr $a->log, $marked) =~ /redis does not work/ });
        return 1 if !$is_noticed || wait_for(5, $arrives);
        unlink "$dir/drop";
        wait_for(45, sub { (substr $a->log, $marked) =~ /redis works again/ });
        return $arrives->() ? 1 : 0;
    });
    ok($is_noticed, "$name - is noticed");
    ok($is_there && $arrives->(), "$name - what is sent arrives");
    my $took = partner($a, 'beta.press')->{requests};
    get_many($a, 9, 'beta.press');
    unlink "$dir/drop";
    is_kept('beta.press:requests', { a => $took + 9, b => 5 }, "$name - nothing is counted twice");
    sees($b, 'beta.press', 'month', $took + 9, "$name - nor lost");
}

{
    my $name = 'a node without memory';
    my $before = partner($a, 'beta.press')->{requests};
    $a->stop;
    $a = node('a', $port);
    is(partner($a, 'beta.press')->{requests}, 0, "$name - begins at nothing");
    get_many($a, 3, 'beta.press');
    is_kept('beta.press:requests', { a => $before + 3, b => 5 }, "$name - but goes on in Redis");
    sees($b, 'beta.press', 'month', $before + 3, "$name - for the others");
    sees($a, 'beta.press', 'month', $before + 5, "$name - and counts what it forgot as others'");
    is_deeply(get_many($a, 2, 'acme'), { 429 => 2 }, "$name - so its quotas hold");
}

{
    my $name = 'a worker is killed';
    my @before = $a->workers;
    $a->signal('KILL', $_) for @before;
    ok($a->wait(20, sub { my @now = grep { my $p = $_; !grep { $_ == $p } @before } $a->workers; @now == 2 }), "$name - others come");
    my $was = kept('beta.press:requests')->{a};
    get_many($a, 2, 'beta.press');
    is_kept('beta.press:requests', { a => $was + 2, b => 5 }, "$name - and one of them takes over");
}

{
    # While an executable is replaced by one with another layout of zones, two lives of a node
    # count side by side, and the new one takes over in the end what the old one counted.
    my $name = 'two lives at once';
    my $script = "$FindBin::Bin/../core/src/key/redis.lua";
    my @steps = (['old', 100, 100, 100], ['new', 100, 0, 100], ['old', 105, 105, 105], ['new', 103, 3, 108],
                 ['old', 106, 106, 109], ['new', 115, 9, 115], ['third', 2, 2, 117], ['third', 3, 3, 118], ['third', 3, 3, 118]);
    for my $step (@steps) {
        my ($life, $value, $own, $expected) = @$step;
        redis($port, $password, '--eval', $script, 'lives', ',', 'n', $life, $value, $own, 0);
        is(redis($port, $password, 'HGET', 'lives', 'n') + 0, $expected, "$name - $life says $value");
    }
    redis($port, $password, '--eval', $script, 'lives', ',', 'n', "more$_", 118, 0, 0) for 1 .. 9;
    is(redis($port, $password, 'HGET', 'lives', 'n') + 0, 118, "$name - many lives add nothing");
    is(() = (redis($port, $password, 'HGET', 'lives', '@n') =~ /more/g), 4, "$name - and four are remembered");
    like(redis($port, $password, '--eval', $script, 'lives', ',', 'm', 'one', 5, 5, 0), qr/^118$/, "$name - another node hears the sum");
}

{
    my $name = 'what is kept';
    my $all = '';
    for my $key (split /\n/, redis($port, $password, '-n', 2, 'KEYS', '*')) {
        $all .= "$key\n" . redis($port, $password, '-n', 2, 'HGETALL', $key);
    }
    like($all, qr/beta\.press/, "$name - partners");
    unlike($all, qr/SECRET|sha256|\b[0-9a-f]{64}\b/, "$name - but no key and no digest");
    my $log = $a->log . $b->log;
    unlike($log, qr/PASSWORD/, "$name - and no password in a log");
    for my $s ($a, $b) {
        my @bad = grep { !/exited on signal 9/ } $s->trouble;
        is(join('', @bad), '', "$name - nothing bad in the log");
    }
    $_->stop for $a, $b;
}

{
    # Keys by every way in, right and wrong, with every end; then all that leaves nginx is read.
    my $name = 'no key anywhere';
    my $udp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Proto => 'udp') or die $!;
    my $state = "$dir/state";
    my $s = server(state => $state, words => { acme => 'requests=20/day' },
        http => "access_key_redis redis://:$password\@127.0.0.1:$port/3 node=n interval=100ms; access_key_statsd 127.0.0.1:"
            . $udp->sockport . ' interval=200ms;',
        locations => 'access_log logs/access.log; location /k/ {
            access_key zone=partners from=arg:key|header:X-Api-Key|cookie:k|uri:2; access_key_redirect /in$access_key_uri; }
            location /in/ { internal; return 200 "$uri $args"; }');
    my $answers = '';
    for my $key (qw(SECRET-ACME SECRET-GONE SECRET-NOBODY) x 2) {
        for my $request (["/k/a?key=$key"], ["/k/$key/a"], ['/k/a', 'X-Api-Key' => $key], ['/k/a', Cookie => "k=$key"],
                         ["/k/a?key=$key&key=SECRET-TWICE"]) {
            my $r = $s->client->get(@$request);
            $answers .= "$r->{status} $r->{head}$r->{body}";
            $s->client->request('POST', @$request);
        }
    }
    get_many($s, 12, 'acme', 'none.txt');
    like($answers, qr/^200 /m, "$name - some are let in");
    like($answers, qr/^40[01] /m, "$name - some are not");
    is(get_many($s, 12, 'acme')->{429}, 12, "$name - some are over a quota");
    ok(wait_for(10, sub { partner($s, 'acme')->{refused} >= 12 }), "$name - all is counted");
    ok(wait_for(10, sub { redis($port, $password, '-n', 3, 'EXISTS', 'access_key:{partners}:acme:refused') == 1 }), "$name - and told");
    my $shown = join '', map { $s->client->get($_)->{body} } '/status?history=1h', '/metrics', '/page';
    my ($log, $access) = ($s->log, '');
    $s->stop;
    my $sent = '';
    while (IO::Select->new($udp)->can_read(0.3)) {
        $udp->recv(my $datagram, 65536);
        $sent .= "$datagram\n";
    }
    my $kept = join '', map { "$_\n" . redis($port, $password, '-n', 3, 'HGETALL', $_) } split /\n/, redis($port, $password, '-n', 3, 'KEYS', '*');
    my $file = do { local (@ARGV, $/) = $state; <> };
    $access = do { local (@ARGV, $/) = "$s->{dir}/logs/access.log"; <> };
    my %all = (answers => $answers, status => $shown, statsd => $sent, redis => $kept, state => $file, 'error log' => $log, 'access log' => $access);
    for my $what (sort keys %all) {
        like($all{$what}, $what =~ /log|answers/ ? qr/./ : qr/acme/, "$name - there is something in $what");
        unlike($all{$what}, qr/SECRET/, "$name - but no key");
    }
}

{
    my $name = 'a wrong password';
    my $s = server(http => "access_key_redis redis://:NOT-THE-PASSWORD\@127.0.0.1:$port interval=100ms;");
    ok(wait_for(10, sub { $s->log =~ /access_key: redis does not work: .*(?:WRONGPASS|uthentication|assword)/ }), "$name - is logged")
        or diag($s->log);
    unlike($s->log, qr/NOT-THE-PASSWORD/, "$name - without the password");
    is(get_many($s, 3, 'acme')->{200}, 3, "$name - and the node goes on alone");
}

{
    my $name = 'a server that says nothing';
    my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16) or die $!;
    my $s = server(http => 'access_key_redis redis://127.0.0.1:' . $silent->sockport . ' interval=100ms timeout=100ms;',
        quota => 'access_key_quota requests=1000 per=day;');
    is(get_many($s, 50, 'acme')->{200}, 50, "$name - holds nobody up");
    ok(wait_for(10, sub { $s->log =~ /access_key: redis does not work: \S+: timed out/ }), "$name - is logged");
    my @pids = ($s->{master}, $s->workers);
    $s->signal('QUIT');
    ok($s->wait(10, sub { !grep { kill 0, $_ } @pids }), "$name - nor the end");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
    delete $s->{master};
}

{
    my $name = 'on_error=deny';
    my $port = free_port();
    my $s = server(http => "access_key_redis redis://127.0.0.1:$port interval=100ms on_error=deny;",
        quota => 'access_key_quota requests=1000 per=day;',
        locations => "location /free/ { access_key zone=partners from=arg:key; return 200 free; }");
    ok(wait_for(10, sub { get_many($s, 1, 'acme')->{503} }), "$name - who has a quota is refused");
    is($s->client->get('/free/?key=SECRET-ACME')->{status}, 200, "$name - who has none is not");
    my $own = start_redis($port, '');
    ok(wait_for(20, sub { get_many($s, 1, 'acme')->{200} }), "$name - until Redis is there");
    my ($host) = map { tr/a-z0-9._-/_/cr } lc((POSIX::uname())[1]);
    ok(wait_for(20, sub { redis($port, '', 'HKEYS', 'access_key:{partners}:acme:requests') =~ /^\Q$host\E$/m }),
        "$name - where the node is called as the machine");
    stop_redis($own);
    ok(wait_for(20, sub { get_many($s, 1, 'acme')->{503} }), "$name - and when it is gone again");
    my $old = $s->worker;
    $s->{http} =~ s/ on_error=deny//;
    $s->write_conf(ImageGate::Exports::locations($s, 'access_key_quota requests=1000 per=day;'));
    $s->signal('HUP');
    $s->wait(20, sub { $s->left($old) });
    ok(wait_for(20, sub { get_many($s, 1, 'acme')->{200} }), "$name - a reload without it ends that");
}

{
    my $name = 'bad configurations';
    my $s = server();
    my $bad = sub {
        my ($text, $message) = @_;
        local $s->{http} = "$s->{http} $text";
        $s->write_conf('');
        like(`$s->{nginx} -t -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`, qr/"access_key_redis" directive$message/, "$name - $text");
    };
    $bad->('access_key_redis 127.0.0.1:6379;', qr/: invalid URL, it must be redis:/);
    $bad->('access_key_redis rediss://host;', qr/: no TLS/);
    $bad->('access_key_redis redis://host node=a:b;', qr/: invalid value "a:b"/);
    $bad->('access_key_redis redis://host interval=1ms;', qr/: invalid value "1ms", it must be a time of at least 100ms/);
    $bad->('access_key_redis redis://host timeout=x;', qr/: invalid value "x"/);
    $bad->('access_key_redis redis://host on_error=panic;', qr/: invalid value "panic", it must be local or deny/);
    $bad->('access_key_redis redis://host color=red;', qr/: invalid value "color=red", it must be /);
    $bad->('access_key_redis redis://a; access_key_redis redis://b;', qr/ is duplicate/);
    my $out = do {
        local $s->{http} = "$s->{http} access_key_redis redis://:HUSH\@host:port;";
        $s->write_conf('');
        `$s->{nginx} -t -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`;
    };
    unlike($out, qr/HUSH/, "$name - no password is quoted");
}

done_testing();
