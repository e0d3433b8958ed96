# access_key_zone over reloads with another size and new executables, under load: what was
# counted is counted once, a quota lets in exactly as many as it says, and Redis, where there is
# one, has as many. Nothing of it is left to the state file, which is written too rarely here.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp ();
use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Exports qw(server partner get_many free_port wait_for run_child replace_file);
use ImageGate::Fixtures qw(slurp);

my $dir = File::Temp::tempdir('image-gate-upgrade-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $owner = $$;
my @children;
END {
    if ($$ == $owner) {
        local $?;
        kill 'KILL', @children;
        waitpid $_, 0 for @children;
    }
}

sub end_child {
    my ($pid, $signal) = @_;
    kill $signal, $pid;
    waitpid $pid, 0;
    @children = grep { $_ != $pid } @children;
}

sub start_redis {
    my $port = shift;
    my $pid = run_child(sub {
        exec 'redis-server', '--port', $port, '--bind', '127.0.0.1', '--dir', $dir, '--save', '', '--appendonly', 'no',
            '--logfile', "$dir/redis.log", '--daemonize', 'no';
    });
    push @children, $pid;
    wait_for(10, sub { redis($port, 'PING') =~ /PONG/ }) or die 'no Redis';
    return $pid;
}

sub redis { my $port = shift; open my $cli, '-|', 'redis-cli', '-p', $port, '--raw', @_ or die $!; local $/; return <$cli> // '' }

# An nginx whose acme may have 100 requests in all.
sub node {
    my (%o) = @_;
    return server(words => { acme => 'requests=100/total' }, quota => 'access_key_quota requests=100000 per=month;', %o);
}

# Four clients that ask on and on until this is called, which returns how many answers of each
# status they got.
sub begin_load {
    my ($s) = @_;
    my $stop = "$dir/stop";
    unlink $stop;
    my @load = map {
        my $file = "$dir/load-$_";
        my $pid = run_child(sub {
            my %statuses;
            until (-e $stop) {
                my $c = $s->client;
                $statuses{ $c->get('/o/small.txt?key=SECRET-ACME')->{status} }++;
                $c->close;
                sleep 0.01;
            }
            replace_file($file, join '', map { "$_ $statuses{$_}\n" } keys %statuses);
        });
        push @children, $pid;
        [$pid, $file];
    } 1 .. 4;
    return sub {
        replace_file($stop, '');
        my %sum;
        for (@load) {
            my ($pid, $file) = @$_;
            waitpid $pid, 0;
            @children = grep { $_ != $pid } @children;
            /^(\d+) (\d+)$/ and $sum{$1} += $2 for split /\n/, slurp($file);
        }
        return \%sum;
    };
}

sub requests { return partner($_[0], 'acme')->{requests} }

sub reload {
    my ($s, $size) = @_;
    replace_file("$s->{dir}/nginx.conf", slurp("$s->{dir}/nginx.conf") =~ s/(access_key_zone partners) \w+/$1 $size/r);
    my @old = $s->workers;
    $s->signal('HUP');
    # One that only begins to leave may still take a connection.
    return $s->wait(20, sub { !grep { kill 0, $_ } @old });
}

sub upgrade {
    my ($s) = @_;
    my $old = $s->{master};
    my @old = $s->workers;
    $s->signal('USR2');
    $s->wait(20, sub { $s->master_after($old) }) or return 0;
    my $new = $s->master_after($old) or return 0;
    # Both answer for a while.
    $s->wait(20, sub { $s->workers($new) >= $s->{workers} }) or return 0;
    sleep 0.2;
    kill 'QUIT', $old;
    $s->{master} = $new;
    return $s->wait(20, sub { !grep { kill 0, $_ } $old, @old });
}

# The memory of zones that a process has: descriptors, and mappings.
sub memory {
    my ($pid) = @_;
    my @fds = grep { (readlink($_) // '') =~ m{^/memfd:access_key:} } glob "/proc/$pid/fd/*";
    my @maps = grep { m{/memfd:access_key:} } split /\n/, slurp("/proc/$pid/maps");
    return (scalar @fds, scalar @maps, @fds);
}

# While a quota is used up, $during happens after some of it.
sub is_exact {
    my ($name, $s, $during, $redis) = @_;
    is_deeply(get_many($s, 20, 'acme'), { 200 => 20 }, "$name - before");
    my $end_load = begin_load($s);
    ok(wait_for(20, sub { requests($s) >= 40 }), "$name - under load");
    ok($during->(), "$name - others take over");
    ok(wait_for(20, sub { partner($s, 'acme')->{refused} > 20 }), "$name - until nobody is let in");
    my $statuses = $end_load->();
    is(join(' ', sort keys %$statuses), '200 429', "$name - no request fails") or diag(explain($statuses));
    is($statuses->{200}, 80, "$name - the quota is exact");
    my $all = 100 + $statuses->{429};
    my $acme;
    wait_for(10, sub { $acme = partner($s, 'acme'); $acme->{requests} == $all });
    is($acme->{requests}, $all, "$name - and so is what is counted");
    is($acme->{refused}, $statuses->{429}, "$name - also of those that were refused");
    if ($redis) {
        my $kept = sub { redis($redis, 'HGET', 'access_key:{partners}:acme:' . shift, 'n') + 0 };
        wait_for(10, sub { $kept->('requests') == $all && $kept->('refused') == $statuses->{429} });
        # Nothing comes later either.
        sleep 0.5;
        is($kept->('requests'), $all, "$name - and what Redis has");
        is($kept->('refused'), $statuses->{429}, "$name - of those, too");
    }
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

my $redis_port = free_port();
my $redis = start_redis($redis_port);

for my $with_redis (0, 1) {
    my $node = sub {
        redis($redis_port, 'FLUSHALL');
        return node($with_redis
            ? (http => "access_key_redis redis://127.0.0.1:$redis_port node=n interval=100ms;") : ());
    };
    my $with = $with_redis ? ' and Redis' : '';
    my $port = $with_redis && $redis_port;
    {
        my $s = $node->();
        is_exact("a larger zone$with", $s, sub { reload($s, '512k') }, $port);
    }
    {
        my $s = $node->();
        is_exact("a smaller zone$with", $s, sub { reload($s, '64k') }, $port);
    }
    {
        my $s = $node->();
        is_exact("a new executable$with", $s, sub { upgrade($s) }, $port);
    }
    {
        my $s = $node->();
        is_exact("a new executable, another, and sizes$with", $s,
            sub { upgrade($s) && reload($s, '512k') && upgrade($s) && reload($s, '32k') }, $port);
        is_deeply([(memory($s->{master}))[0, 1]], [1, 1], "sizes$with - one memory is left");
    }
}

{
    my $name = 'a larger zone, and a partner for it';
    my $s = node();
    is_deeply(get_many($s, 3, 'acme'), { 200 => 3 }, "$name - before");
    my $keys = slurp("$s->{dir}/keys");
    my @more = map { "more$_ sha256:" . sprintf('%064x', $_) } 1 .. 100;
    replace_file("$s->{dir}/keys", join "\n", @more, $keys);
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->log =~ /\[emerg\].*zone "partners" is full/ }), "$name - has no room at first");
    is_deeply(get_many($s, 2, 'acme'), { 200 => 2 }, "$name - which changes nothing");
    ok(reload($s, '1m'), "$name - a reload");
    ok(partner($s, 'more100'), "$name - has room");
    is(requests($s), 5, "$name - and the counts");
    ok(reload($s, '1m'), "$name - a reload again");
    replace_file("$s->{dir}/keys", $keys);
    ok(reload($s, '64k'), "$name - a smaller one");
    is_deeply(get_many($s, 96, 'acme'), { 200 => 95, 429 => 1 }, "$name - the quota holds");
    is(join('', grep { !/access_key_file|is full/ } $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a configuration that is refused';
    my $s = node();
    is_deeply(get_many($s, 10, 'acme'), { 200 => 10 }, "$name - before");
    my $good = slurp("$s->{dir}/nginx.conf");
    for my $bad ("$good nonsense;", $good =~ s/access_key_zone partners/access_key_zone other 1m; $&/r) {
        replace_file("$s->{dir}/nginx.conf", $bad =~ s/partners 256k/partners 2m/r);
        my $emerg = () = $s->log =~ /\[emerg\]/g;
        $s->signal('HUP');
        ok($s->wait(20, sub { (() = $s->log =~ /\[emerg\]/g) > $emerg }), "$name - is not taken");
        is_deeply(get_many($s, 10, 'acme'), { 200 => 10 }, "$name - the zone goes on");
    }
    my $before = (memory($s->{master}))[0];
    is($before, 1, "$name - and leaves no memory behind");
    system "$s->{nginx} -t -q -e $s->{dir}/t.log -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>/dev/null";
    replace_file("$s->{dir}/large.conf", $good =~ s/partners 256k/partners 2m/r);
    my $said = `sh -c 'ulimit -f 1000; exec $s->{nginx} -t -e $s->{dir}/t.log -p $s->{dir}/ -c $s->{dir}/large.conf' 2>&1`;
    is($? >> 8, 1, "$name - larger than files may be");
    like($said, qr/\[emerg\].*zone "partners".*RLIMIT_FSIZE/, "$name - which is said");
    replace_file("$s->{dir}/nginx.conf", $good);
    is(system("$s->{nginx} -t -q -e $s->{dir}/t.log -p $s->{dir}/ -c $s->{dir}/nginx.conf"), 0, "$name - a test beside it");
    ok(reload($s, '512k'), "$name - a good one");
    is(requests($s), 30, "$name - has all");
    ok(upgrade($s), "$name - a new executable");
    is_deeply(get_many($s, 71, 'acme'), { 200 => 70, 429 => 1 }, "$name - too");
}

{
    my $name = 'reloads';
    my $s = node();
    my @first;
    for my $turn (1 .. 40) {
        reload($s, (qw(256k 1m 64k))[$turn % 3]) or last;
        @first = (memory($s->{master}))[0, 1] if $turn == 3;
    }
    is_deeply([(memory($s->{master}))[0, 1]], \@first, "$name - leave nothing behind");
    is_deeply(\@first, [1, 1], "$name - but one memory");
    my $all = () = glob "/proc/$s->{master}/fd/*";
    cmp_ok($all, '<', 40, "$name - and few descriptors");
    for my $worker ($s->workers) {
        my @fds = (memory($worker))[2 .. 2];
        my ($flags) = slurp($fds[0] =~ s/fd/fdinfo/r) =~ /^flags:\s*(\d+)/m;
        ok(oct($flags) & 02000000, "$name - no program that a worker starts has it");
        is((stat $fds[0])[2] & 077, 0, "$name - and no other one may open it");
    }
    # Without the zone, and with it again.
    my $with = slurp("$s->{dir}/nginx.conf");
    replace_file("$s->{dir}/nginx.conf", $with =~ s/^.*\b(?:access_key)\w* .*$//mgr);
    ok(reload($s, '64k'), "$name - without the zone");
    is_deeply([(memory($s->{master}))[0, 1]], [0, 0], "$name - it is gone");
    replace_file("$s->{dir}/nginx.conf", $with);
    ok(reload($s, '64k'), "$name - with it again");
    is(requests($s), 0, "$name - it begins anew without a state file");
    is_deeply(get_many($s, 101, 'acme'), { 200 => 100, 429 => 1 }, "$name - and works");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'Redis goes, and then access_key_redis';
    redis($redis_port, 'FLUSHALL');
    my $s = node(http => "access_key_redis redis://127.0.0.1:$redis_port node=d interval=100ms timeout=100ms on_error=deny;");
    ok(wait_for(10, sub { get_many($s, 1, 'acme')->{200} }), "$name - lets in while it answers");
    end_child($redis, 'KILL');
    ok(wait_for(20, sub { get_many($s, 1, 'acme')->{503} }), "$name - nobody afterwards");
    replace_file("$s->{dir}/nginx.conf", slurp("$s->{dir}/nginx.conf") =~ s/access_key_redis [^;]*;//r);
    ok(reload($s, '256k'), "$name - a reload without it");
    is_deeply(get_many($s, 5, 'acme'), { 200 => 5 }, "$name - all are let in again");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

done_testing();
