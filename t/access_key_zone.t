# access_key_zone and access_key_file: what is counted, and that it lasts: over changed keys,
# reloads, restarts, new binaries, another size and killed workers. What was counted is read
# from the state file.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Exports qw(replace_file);
use ImageGate::Fixtures qw(fixture_dir fixture_path slurp);
use ImageGate::Keys qw(key_file read_state);
use ImageGate::Server qw(leaves);

my $files = fixture_dir();
fixture_path($_) for qw(photo-300x200.jpg text.txt noise-1200x800-q95.jpg);

sub server {
    my (%o) = @_;
    my $s = ImageGate::Server->new(workers => $o{workers} || 1);
    my $size = $o{size} || '256k';
    my $state = exists $o{state} ? $o{state} : "state=$s->{dir}/state save=100ms";
    $s->{http} = qq{
        access_key_zone p $size $state;
        access_key_file p keys poll=100ms;
        log_format numbers '\$access_key_id \$status \$bytes_sent \$request_length';
    };
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME', beta => 'KEY-BETA'));
    return $s;
}

sub locations {
    my $s = shift;
    return qq{
        access_log $s->{dir}/logs/numbers.log numbers;
        location / {
            access_key zone=p from=arg:key;
            error_page 404 =410 /text.txt;
            alias $files/;
        }
        location ~ ^/redirect(/.*) { access_key zone=p from=arg:key; access_key_redirect /inside\$1; }
        location /inside/ { internal; alias $files/; }
        location /slow/ { access_key zone=p from=arg:key; limit_rate 20k; alias $files/; }
        location /limited/ {
            access_key zone=p from=arg:key;
            access_key_quota requests=3 per=month;
            add_header X-Left \$access_key_remaining always;
            alias $files/;
        }
    };
}

sub ask { my ($s, $uri, $key) = @_; return $s->client->get("$uri?key=$key") }

# The counters, once the state says that so many requests were made.
sub counted {
    my ($s, $id, $requests) = @_;
    my $state;
    $s->wait(10, sub {
        $state = read_state("$s->{dir}/state")->{$id};
        return $state && $state->{requests} >= $requests;
    });
    sleep 0.3;
    return read_state("$s->{dir}/state")->{$id};
}

{
    my $name = 'totals';
    my $s = server();
    $s->start(locations($s));
    my $before = time;
    my %client = (requests => 0, sent => 0);
    my $c = $s->client;
    for my $uri ('/text.txt', '/photo-300x200.jpg', '/nothing', '/redirect/photo-300x200.jpg', '/redirect/nothing',
                 ('/limited/text.txt') x 4) {
        for my $method (qw(GET HEAD)) {
            my $r = $c->request($method, "$uri?key=KEY-ACME");
            $client{requests}++;
            $client{sent} += length($r->{head}) + 2 + length $r->{body};
        }
    }
    # Some that leave, at once and while the answer comes.
    for my $wait (0, 0.1) {
        my $gone = $s->client(rcvbuf => 4096);
        $gone->send('GET', '/slow/noise-1200x800-q95.jpg?key=KEY-ACME');
        sleep $wait;
        $gone->abort;
        $client{requests}++;
    }
    ask($s, '/text.txt', 'wrong') for 1 .. 3;
    my $state = counted($s, 'acme', $client{requests});
    is($state->{requests}, $client{requests}, "$name - requests, as the client counts");
    my (@class, $sent, $received);
    $sent = $received = 0;
    @class = (0) x 5;
    my $whole = 0;
    for (grep { /^acme / } split /\n/, slurp("$s->{dir}/logs/numbers.log")) {
        my (undef, $status, $out, $in) = split;
        $class[substr($status, 0, 1) - 1]++;
        $sent += $out;
        $received += $in;
        $whole += $out if $out < 150_000;
    }
    is_deeply($state->{responses}, \@class, "$name - classes, as the access log has them");
    is($state->{sent}, $sent, "$name - bytes sent");
    is($state->{received}, $received, "$name - bytes received");
    is($state->{refused}, 8, "$name - refused by the quota") or diag(explain($state));
    cmp_ok($state->{sent}, '>', $client{sent}, "$name - no fewer bytes than the client got");
    ok($state->{first} >= $before && $state->{last} <= time && $state->{first} <= $state->{last}, "$name - times");
    is(read_state("$s->{dir}/state")->{beta}{requests}, 0, "$name - nothing for others");
    is_deeply([sort keys %{ read_state("$s->{dir}/state") }], [qw(acme beta)], "$name - no record for a wrong key");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'polling';
    my $s = server(workers => 2);
    $s->start(locations($s));
    is(ask($s, '/text.txt', 'KEY-ACME')->{status}, 200, "$name - a key");
    is(ask($s, '/text.txt', 'KEY-NEW')->{status}, 401, "$name - not yet one");
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-NEW,KEY-ACME', gamma => 'KEY-GAMMA'));
    my @all = map { $s->client } 1 .. 12;
    my $everywhere = sub {
        my ($key, $status) = @_;
        return $s->wait(10, sub { !grep { $_->get("/text.txt?key=$key")->{status} != $status } @all });
    };
    ok($everywhere->('KEY-NEW', 200), "$name - a second key of a partner");
    ok($everywhere->('KEY-GAMMA', 200), "$name - a new partner");
    ok($everywhere->('KEY-BETA', 401), "$name - one is gone");
    ok($everywhere->('KEY-ACME', 200), "$name - the old key still holds");

    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-NEW') . "delta sha256:beef\n");
    ok($s->wait(10, sub { $s->log =~ /\[error\].*zone "p" keeps its keys: \S+keys: line 3, column 7: invalid digest/ }),
        "$name - a bad file: line and column");
    sleep 0.5;
    my $lines = () = $s->log =~ /keeps its keys/g;
    cmp_ok($lines, '<=', 2, "$name - one line for each worker");
    is(ask($s, '/text.txt', 'KEY-ACME')->{status}, 200, "$name - and the keys stay");
    unlink "$s->{dir}/keys";
    ok($s->wait(10, sub { $s->log =~ /keeps its keys: \S+keys: No such file/ }), "$name - no file");
    is(ask($s, '/text.txt', 'KEY-GAMMA')->{status}, 200, "$name - and the keys stay");
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-NEW'));
    ok($everywhere->('KEY-ACME', 401), "$name - a good file again");
    ok($everywhere->('KEY-NEW', 200), "$name - holds");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a key that came a moment ago';
    my $s = server();
    $s->start(qq{ location / { access_key zone=p from=header:X-Key; add_header X-Id \$access_key_id always; alias $files/; } });
    my $c = $s->client;
    my $of = sub { my $r = $c->get('/text.txt', 'X-Key' => shift); return "$r->{status} " . ($r->{h}{'x-id'} || '') };
    for (1 .. 3) {
        is($of->('KEY-ACME'), '200 acme', "$name - of one partner");
        is($of->('KEY-BETA'), '200 beta', "$name - of another");
        is($of->('KEY-ACM'), '401 ', "$name - a part of one");
    }
    replace_file("$s->{dir}/keys", key_file(beta => 'KEY-ACME', acme => 'KEY-BETA'));
    ok($s->wait(10, sub { $of->('KEY-ACME') eq '200 beta' }), "$name - changes hands");
    is($of->('KEY-BETA'), '200 acme', "$name - and the other one");
    replace_file("$s->{dir}/keys", key_file(beta => 'KEY-ACME disabled', acme => 'KEY-BETA not_after=2020-01-01'));
    ok($s->wait(10, sub { $of->('KEY-ACME') =~ /^401/ }), "$name - of one who is not to be served");
    like($of->('KEY-BETA'), qr/^401/, "$name - that is over");
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME', gamma => 'KEY-GAMMA'));
    ok($s->wait(10, sub { $of->('KEY-GAMMA') eq '200 gamma' }), "$name - a new one");
    is($of->('KEY-ACME'), '200 acme', "$name - that holds again");
    like($of->('KEY-BETA'), qr/^401/, "$name - that is nobody's");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a reload';
    my $s = server();
    $s->start(locations($s));
    is(ask($s, '/limited/text.txt', 'KEY-ACME')->{h}{'x-left'}, 2, "$name - before");
    my $old = $s->worker;
    replace_file("$s->{dir}/keys", key_file(new => 'KEY-NEW', acme => 'KEY-ACME'));
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - a new worker answers");
    is(ask($s, '/limited/text.txt', 'KEY-ACME')->{h}{'x-left'}, 1, "$name - and goes on counting");
    is(ask($s, '/limited/text.txt', 'KEY-NEW')->{h}{'x-left'}, 2, "$name - a new partner");
    is(ask($s, '/limited/text.txt', 'KEY-BETA')->{status}, 401, "$name - one is gone");

    replace_file("$s->{dir}/keys", "acme nonsense\n");
    $old = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - with a bad file");
    like($s->log, qr/\[error\].*zone "p" has the keys that were good last: \S+keys: line 1, column 6: /, "$name - which is told");
    is(ask($s, '/limited/text.txt', 'KEY-ACME')->{h}{'x-left'}, 0, "$name - the old keys stay");

    # Another size of what is the same memory.
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME', beta => 'KEY-BETA'));
    is(counted($s, 'acme', 3)->{requests}, 3, "$name - saved");
    $s->{http} =~ s/256k/512k/;
    $s->write_conf(locations($s));
    $old = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - with a larger zone");
    is(ask($s, '/limited/text.txt', 'KEY-ACME')->{status}, 429, "$name - the quota is still used up");
    is(counted($s, 'acme', 4)->{requests}, 4, "$name - and all is still counted");
    is(counted($s, 'new', 1)->{requests}, 1, "$name - also of a partner that is gone");
    my @bad = grep { !/access_key_file/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing bad in the log");
}

{
    my $name = 'a restart';
    my $s = server();
    $s->start(locations($s));
    ask($s, '/limited/text.txt', 'KEY-ACME') for 1 .. 2;
    $s->stop;
    is(read_state("$s->{dir}/state")->{acme}{requests}, 2, "$name - saved when nginx stops");
    $s->start(locations($s));
    is(ask($s, '/limited/text.txt', 'KEY-ACME')->{h}{'x-left'}, 0, "$name - goes on counting");
    is(counted($s, 'acme', 3)->{requests}, 3, "$name - all are counted");

    # As after a power cut: only what was saved is there.
    my @all = ($s->{master}, $s->workers);
    kill 'KILL', @all;
    $s->wait(10, sub { !grep { kill 0, $_ } @all });
    $s->start(locations($s));
    is(ask($s, '/limited/text.txt', 'KEY-ACME')->{status}, 429, "$name - also after all were killed");
    $s->stop;

    open my $out, '>', "$s->{dir}/state" or die $!;
    print $out 'IGKEYS is not this';
    close $out;
    $s->start(locations($s));
    like($s->log, qr/\[error\].*zone "p" starts at nothing: \S+state: not a state file/, "$name - a damaged state is told");
    is(ask($s, '/limited/text.txt', 'KEY-ACME')->{h}{'x-left'}, 2, "$name - and counting begins again");
    is(counted($s, 'acme', 1)->{requests}, 1, "$name - and is saved");
    is(slurp("$s->{dir}/state.damaged"), 'IGKEYS is not this', "$name - beside what was there");
}

{
    my $name = 'a credit';
    my $s = server(workers => 4);
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME requests=20/total'));
    $s->start(locations($s));
    my $take = sub { scalar grep { ask($s, '/text.txt', 'KEY-ACME')->{status} == 200 } 1 .. shift };
    is($take->(5), 5, "$name - before");
    my $old = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - a reload");
    is($take->(4), 4, "$name - goes on");
    kill 'KILL', $s->workers;
    ok($s->wait(10, sub { $s->client->get('/ready')->{status} == 200 }), "$name - killed workers");
    is($take->(3), 3, "$name - change nothing");
    $s->stop;
    $s->start(locations($s));
    is($take->(2), 2, "$name - nor does a restart");
    is(counted($s, 'acme', 14)->{requests}, 14, "$name - nor");
    my @all = ($s->{master}, $s->workers);
    kill 'KILL', @all;
    $s->wait(10, sub { !grep { kill 0, $_ } @all });
    $s->start(locations($s));
    is($take->(10), 6, "$name - a crash");
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME requests=23/total'));
    # Each of the workers reads the file at a moment of its own.
    my $more = 0;
    ok($s->wait(30, sub { ($more += $take->(1)) == 3 }), "$name - more is bought");
    is($take->(9), 0, "$name - and used up");
}

{
    my $name = 'a new binary';
    my $s = server();
    $s->start(locations($s));
    ask($s, '/limited/text.txt', 'KEY-ACME');
    is(counted($s, 'acme', 1)->{requests}, 1, "$name - saved by the old one");
    my $old = $s->{master};
    my @old_workers = $s->workers;
    # Still at it when the new one comes.
    my $slow = $s->client(timeout => 30);
    $slow->send('GET', '/slow/photo-300x200.jpg?key=KEY-ACME');
    sleep 0.2;
    $s->signal('USR2');
    ok($s->wait(20, sub { $s->master_after($old) }),
        "$name - a second master");
    my $new = $s->named_master;
    ok($s->wait(20, sub { scalar $s->workers($new) }), "$name - with a worker");
    kill 'WINCH', $old;
    ok($s->wait(20, sub { !grep { !leaves($_) } @old_workers }), "$name - takes over");
    is(ask($s, '/text.txt', 'KEY-ACME')->{status}, 200, "$name - the new one answers") for 1 .. 2;
    is($slow->recv->{status}, 200, "$name - and the old one, what it had");
    kill 'QUIT', $old;
    ok($s->wait(20, sub { !grep { kill 0, $_ } $old, @old_workers }), "$name - the old ones go");
    is(counted($s, 'acme', 4)->{requests}, 4, "$name - both counted");
    $s->{master} = $new;
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'a line of a thread, while the worker sleeps';
    my $s = server(state => '');
    $s->start(locations($s));
    is(ask($s, '/text.txt', 'KEY-ACME')->{status}, 200, "$name - it has served");
    sleep 3;
    my $began = time;
    replace_file("$s->{dir}/keys", 'no key file');
    ok($s->wait(10, sub { $s->log =~ /keeps its keys/ }), "$name - the keys are kept");
    my ($line) = grep { /keeps its keys/ } split /\n/, $s->log;
    my ($written) = $line =~ /, at (\d\d:\d\d:\d\d)$/;
    ($written) = $line =~ / (\d\d:\d\d:\d\d) / if !defined $written;
    my %now = map { sprintf('%02d:%02d:%02d', (localtime $_)[2, 1, 0]) => 1 } int($began) - 1 .. time + 1;
    ok($now{$written}, "$name - with the time of now") or diag($line);
}

{
    my $name = 'a full zone';
    my $s = server(size => '32k', state => '');
    replace_file("$s->{dir}/keys", key_file(map { ("partner$_" => "KEY-$_") } 1 .. 500));
    $s->write_conf(locations($s));
    my $said = `$s->{nginx} -e $s->{dir}/logs/error.log -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`;
    ok($? != 0, "$name - nginx does not start");
    like($s->log . $said, qr/\[emerg\].*"access_key_zone" directive: zone "p" is full: it has room for \d+ partners, and the key file has 500: make it (\d+)k in \S+:\d+/, "$name - and says why");
    my ($size) = ($s->log . $said) =~ /make it (\d+)k/;
    $s->{http} =~ s/ 32k / ${size}k /;
    $s->write_conf(locations($s));
    `$s->{nginx} -t -e $s->{dir}/logs/error.log -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`;
    is($?, 0, "$name - the size that it names is enough");
    ok($size < 2200, "$name - and not much more than that") or diag($size);
}

{
    my $name = 'a folder that is missing';
    my $s = server(state => 'state=made/state save=100ms');
    $s->start(locations($s));
    ok(-d "$s->{dir}/made", "$name - is made");
    is((stat "$s->{dir}/made")[2] & 0777, 0700, "$name - for the workers alone");
    ok($s->wait(10, sub { read_state("$s->{dir}/made/state")->{acme} }), "$name - and holds the state");
}

{
    my $name = 'a folder that can not be made';
    my $s = server(state => 'state=/nonexistent/folder/state save=100ms');
    $s->write_conf(locations($s));
    my $said = `$s->{nginx} -t -e $s->{dir}/logs/error.log -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`;
    is($? >> 8, 1, "$name - is refused");
    like($said, qr{\[emerg\].*"access_key_zone" directive: /nonexistent/folder: No such file}, "$name - by name");
}

{
    my $name = 'a folder that goes';
    my $s = server(state => 'state=made/state save=100ms');
    $s->start(locations($s));
    rename "$s->{dir}/made", "$s->{dir}/gone";
    ok($s->wait(10, sub { $s->log =~ m{\[error\].*zone "p" can't save its state: \S+/made/state: No such file} }),
        "$name - is told");
    is(ask($s, '/text.txt', 'KEY-ACME')->{status}, 200, "$name - and nobody else minds");
    sleep 0.5;
    my $lines = () = $s->log =~ /can't save/g;
    is($lines, 1, "$name - once");
}

done_testing();
