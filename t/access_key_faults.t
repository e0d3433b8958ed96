# What an operator gets wrong, or a machine: key files that are bad, state files that are none,
# folders of another user, name servers that are silent. nginx goes on, or says why it does not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Exports qw(replace_file);
use ImageGate::Fixtures qw(fixture_dir fixture_path slurp);
use ImageGate::Keys qw(key_file read_state);
use ImageGate::Server;

my $files = fixture_dir();
fixture_path('text.txt');

my $locations = qq{
    location /o/ { access_key zone=p from=arg:key; alias $files/; }
    location = /metrics { access_key_status prometheus; }
    location = /status { access_key_status json; }
};

# An nginx that was not started, with keys and, if a path is given, a state.
sub server {
    my ($state, %o) = @_;
    my $s = ImageGate::Server->new(more => '', %o);
    chmod 0755, $s->{dir};
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME'));
    set_zone($s, $state);
    return $s;
}

sub set_zone {
    my ($s, $state, $file, $size) = @_;
    $state = defined $state ? "state=$state save=100ms" : '';
    $file ||= "$s->{dir}/keys poll=100ms";
    $size ||= '256k';
    $s->{http} = "access_key_zone p $size $state;\n    access_key_file p $file;\n    $s->{more}";
    $s->write_conf($locations);
}

# What nginx says with these arguments, its status, and whether that took a short time.
sub nginx {
    my ($s, @arguments) = @_;
    my $out = "$s->{dir}/out";
    my $began = time;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;
        { exec $s->{nginx}, '-p', "$s->{dir}/", '-c', "$s->{dir}/nginx.conf", @arguments }
        POSIX::_exit(99);
    }
    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        if (time - $began > 20) { kill 'KILL', $pid; waitpid $pid, 0; return ('it hangs', 999) }
        sleep 0.02;
    }
    return (slurp($out), $? >> 8);
}

sub ask { my ($s, $key) = @_; return $s->client->get("/o/text.txt?key=$key")->{status} }

sub metric {
    my ($s, $name) = @_;
    my ($value) = $s->client->get('/metrics')->{body} =~ /^nginx_image_gate_${name}\{zone="p"\} (\S+)$/m;
    return $value;
}

{
    my $name = 'files that are none';
    my $s = server();
    POSIX::mkfifo("$s->{dir}/fifo", 0600) or die $!;
    symlink '/dev/zero', "$s->{dir}/zero" or die $!;
    mkdir "$s->{dir}/folder";
    for my $row (['fifo', 'not a regular file'], ['zero', 'not a regular file'], ['folder', '(?:not a regular file|Is a directory)'], ['none', 'No such file']) {
        my ($file, $reason) = @$row;
        set_zone($s, undef, "$s->{dir}/$file");
        my ($out, $rc) = nginx($s, '-t');
        is($rc, 1, "$name - $file as a key file is refused");
        like($out, qr{\[emerg\].*"access_key_file" directive: \Q$s->{dir}\E/$file: $reason.* in \Q$s->{dir}\E/nginx.conf:\d+}, "$name - $file, with the reason");
    }
    set_zone($s);
    for my $secret ('secure_link_hash_key file=fifo;', 'secure_link_hash_key file=zero;', 'image_resize_watermark fifo;',
                    'image_resize_watermark text=x font=zero;') {
        $s->write_conf("location / { $secret }");
        my ($out, $rc) = nginx($s, '-t');
        is($rc, 1, "$name - $secret");
        like($out, qr/not a regular file/, "$name - $secret says why");
    }
}

{
    my $name = 'a state that is none';
    for my $kind (qw(zero fifo damaged)) {
        my $s = server();
        mkdir "$s->{dir}/kept";
        my $state = "$s->{dir}/kept/state";
        if ($kind eq 'zero') { symlink '/dev/zero', $state or die $! }
        elsif ($kind eq 'fifo') { POSIX::mkfifo($state, 0600) or die $! }
        else { replace_file($state, 'something else') }
        set_zone($s, $state);
        $s->start($locations);
        is(ask($s, 'KEY-ACME'), 200, "$name - $kind - nginx serves");
        my $reason = $kind eq 'damaged' ? 'not a state file' : 'not a regular file';
        if ($kind eq 'damaged') {
            ok($s->wait(10, sub { read_state($state)->{acme} }), "$name - $kind - a state comes in its place");
            ok($s->wait(10, sub { $s->log =~ /\[error\].*zone "p" found no state in \Q$state\E: $reason, put aside as \Q$state.damaged\E/ }),
                "$name - $kind - put aside with a line");
            is(slurp("$state.damaged"), 'something else', "$name - $kind - as it was");
            is(metric($s, 'state_ok'), 1, "$name - $kind - well");
        } else {
            ok($s->wait(10, sub { $s->log =~ /\[error\].*zone "p" can't save its state: \Q$state\E: $reason/ }), "$name - $kind - a line says so");
            ok(!-f $state, "$name - $kind - is left alone");
            is(metric($s, 'state_ok'), 0, "$name - $kind - not well");
        }
        is(join('', $s->trouble), '', "$name - $kind - nothing bad in the log");
    }
}

SKIP: {
    my $name = 'a folder of another user';
    skip 'only root runs workers as somebody else', 14 if $> != 0;
    my $s = server(undef, main => 'user nobody ' . getgrgid((getpwnam 'nobody')[3]) . ';');
    # The one that Server writes comes first.
    my $conf = sub {
        $s->write_conf($locations);
        my $text = slurp("$s->{dir}/nginx.conf");
        $text =~ s/^user root;$//m;
        replace_file("$s->{dir}/nginx.conf", $text);
    };
    chmod 0711, $s->{dir};
    mkdir "$s->{dir}/roots", 0755;
    set_zone($s, "$s->{dir}/roots/state");
    $conf->();
    my ($out, $rc) = nginx($s, '-t');
    is($rc, 1, "$name - is refused");
    like($out, qr{\[emerg\].*"access_key_zone" directive: \Q$s->{dir}\E/roots: the workers, which run as the user \d+, can't write to this folder, or can't get there: give it one of its own, "state=\Q$s->{dir}\E/roots/NAME/state", which nginx makes in \S+nginx.conf:\d+}, "$name - by name");
    chown scalar(getpwnam 'nobody'), -1, "$s->{dir}/roots";
    is((nginx($s, '-t'))[1], 0, "$name - that of the workers is taken");
    set_zone($s, "$s->{dir}/new/state");
    $conf->();
    is((nginx($s, '-t'))[1], 0, "$name - a new one is made");
    is((stat "$s->{dir}/new")[4], scalar(getpwnam 'nobody'), "$name - for them");

    for my $left (['state.tmp', 'write to'], ['state', 'read'], ['state.days', 'read']) {
        my ($file, $verb) = ("$s->{dir}/new/$left->[0]", $left->[1]);
        replace_file($file, 'of root');
        chmod 0600, $file;
        ($out, $rc) = nginx($s, '-t');
        like("$rc $out", qr{^1 .*\[emerg\].*"access_key_zone" directive: \Q$file\E: the workers can't $verb this file}s, "$name - $left->[0] of root");
        unlink $file;
    }
    for my $case (['access_key_file', "$s->{dir}/keys"]) {
        my ($directive, $file) = @$case;
        is(join('', grep { /\[(?:warn|error)\]/ } split /^/, (nginx($s, '-t'))[0]), '', "$name - a file that they can read");
        chmod 0600, $file;
        ($out, $rc) = nginx($s, '-t');
        like("$rc $out", qr{^0 .*\[error\].*"$directive" directive: the workers, which run as the user \d+, can't read \Q$file\E: "chgrp \d+" and "chmod 640" let them in \S+nginx.conf:\d+}s, "$name - one that they can't read again");
        chmod 0644, $file;
    }
    chmod 0700, $s->{dir};
    ($out, $rc) = nginx($s, '-t');
    like("$rc $out", qr{^1 .*\[emerg\].*/new: the workers, .* can't get there}s, "$name - a folder above that shuts them out");
    chmod 0711, $s->{dir};
    is((nginx($s, '-t'))[1], 0, "$name - all is well again");
}

{
    my $name = 'a bad key file';
    my $s = server();
    mkdir "$s->{dir}/kept";
    my $state = "$s->{dir}/kept/state";
    set_zone($s, $state);
    replace_file("$s->{dir}/keys", "acme nonsense\n");
    my ($out, $rc) = nginx($s, '-t');
    is($rc, 1, "$name - is refused while there was no good one");
    like($out, qr{\[emerg\].*"access_key_file" directive: \Q$s->{dir}\E/keys: line 1, column 6: invalid digest.*nginx.conf:\d+}, "$name - with its line");
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME', beta => 'KEY-BETA'));
    $s->start($locations);
    is(ask($s, 'KEY-BETA'), 200, "$name - a good one");
    is(metric($s, 'key_file_ok'), 1, "$name - is well");
    ok(-f "$state.keys", "$name - is kept");
    is((stat "$state.keys")[2] & 0777, 0600, "$name - for nobody else");

    my $good = slurp("$s->{dir}/keys");
    replace_file("$s->{dir}/keys", $good . "gamma sha256:12\n");
    ok($s->wait(10, sub { (metric($s, 'key_file_ok') // '') eq '0' }), "$name - a line of it bad, while nginx runs");
    like($s->log, qr/\[error\].*zone "p" keeps its keys: .*line 4, column 7: invalid digest/, "$name - is told");
    is(ask($s, 'KEY-BETA'), 200, "$name - the keys hold");
    ($out, $rc) = nginx($s, '-t');
    is($rc, 0, "$name - a configuration with it can be used");
    like($out, qr{\[error\].*zone "p" has the keys that were good last: \Q$s->{dir}\E/keys: line 4, column 7}, "$name - says why and how");
    my $worker = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($worker) }), "$name - a reload");
    is(ask($s, 'KEY-BETA'), 200, "$name - goes on with the good ones");
    is(metric($s, 'key_file_ok'), 0, "$name - and is not well");

    ($out, $rc) = nginx($s, '-s', 'stop');
    is($rc, 0, "$name - does not keep nginx from ending") or diag($out);
    ok($s->wait(20, sub { !kill 0, $s->{master} }), "$name - which it does");
    delete $s->{master};
    $s->start($locations);
    is(ask($s, 'KEY-BETA'), 200, "$name - nor from a start");
    is(ask($s, 'KEY-GAMMA'), 401, "$name - with the good keys only");
    unlink "$s->{dir}/keys" or die $!;
    $worker = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($worker) }), "$name - gone, and a reload");
    is(ask($s, 'KEY-BETA'), 200, "$name - the keys hold");
    replace_file("$s->{dir}/keys", key_file(gamma => 'KEY-GAMMA'));
    ok($s->wait(10, sub { ask($s, 'KEY-GAMMA') == 200 }), "$name - a good one comes");
    is(ask($s, 'KEY-BETA'), 401, "$name - in the place of the old");
    ok($s->wait(10, sub { metric($s, 'key_file_ok') == 1 }), "$name - and all is well");
    is(slurp("$state.keys"), slurp("$s->{dir}/keys"), "$name - it is kept, too");
    is(join('', grep { !/\Q$s->{dir}\E\/keys: line 1, column 6/ } $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'an empty key file';
    my $s = server();
    mkdir "$s->{dir}/kept";
    my $state = "$s->{dir}/kept/state";
    set_zone($s, $state);
    replace_file("$s->{dir}/keys", '');
    my ($out, $rc) = nginx($s, '-t');
    like("$rc $out", qr/^0 .*no partner in it: all keys are refused/s, "$name - before there was another");
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME'));
    $s->start($locations);
    is(ask($s, 'KEY-ACME'), 200, "$name - a good one");
    # As a shell does it that writes to the same file.
    truncate "$s->{dir}/keys", 0 or die $!;
    ok($s->wait(10, sub { (metric($s, 'key_file_ok') // '') eq '0' }), "$name - for a moment");
    is(ask($s, 'KEY-ACME'), 200, "$name - the keys hold");
    sleep 0.5;
    my @told = $s->log =~ /\[error\].*zone "p" keeps its keys: \S+keys: there is nothing in it/g;
    is(scalar @told, 1, "$name - is told once");
    my $worker = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($worker) }), "$name - a reload");
    is(ask($s, 'KEY-ACME'), 200, "$name - goes on with the copy");
    like($s->log, qr/\[error\].*zone "p" has the keys that were good last: \S+keys: there is nothing in it/, "$name - and says so");

    # Without a copy there is the configuration before.
    replace_file("$s->{dir}/keys", key_file(acme => 'KEY-ACME'));
    set_zone($s);
    $worker = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($worker) }), "$name - no state");
    truncate "$s->{dir}/keys", 0 or die $!;
    $s->signal('HUP');
    ok($s->wait(10, sub { $s->log =~ /\[emerg\].*"access_key_file" directive: \S+keys: there is nothing in it/ }), "$name - a reload is refused");
    is(ask($s, 'KEY-ACME'), 200, "$name - the keys hold then, too");
    replace_file("$s->{dir}/keys", "# nobody\n");
    ok($s->wait(10, sub { ask($s, 'KEY-ACME') == 401 }), "$name - but one that means nobody is taken");
    is(metric($s, 'key_file_ok'), 1, "$name - and is well");
    $worker = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($worker) }), "$name - also by a reload");
}

{
    my $name = 'Redis is away';
    my $s = server(undef, more => 'access_key_redis redis://127.0.0.1:1 interval=100ms;');
    $s->start($locations);
    ok($s->wait(10, sub { (metric($s, 'redis_ok') // '') eq '0' }), "$name - a metric says so");
    my ($zone) = $s->client->get('/status')->{body} =~ /("health":\{[^}]*\})/;
    is($zone, '"health":{"key_file":true,"state":null,"redis":false}', "$name - and the JSON");
}

# A name server that does not answer, as far as this process can see.
{
    my $name = 'silent name servers';
    my $s = server(undef, main => 'master_process off;',
        more => 'access_key_statsd statsd.silent.test:8125 interval=100ms; access_key_redis redis://redis.silent.test interval=100ms;');
    replace_file("$s->{dir}/silent.c", <<'C_');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (name != NULL && strstr(name, "silent.test") != NULL) {
        sleep(4);
        return EAI_AGAIN;
    }
    real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, found);
}
C_
    system('cc', '-shared', '-fPIC', '-o', "$s->{dir}/silent.so", "$s->{dir}/silent.c", '-ldl') == 0 or die 'cc';
    local $ENV{LD_PRELOAD} = "$s->{dir}/silent.so";
    $s->start($locations);
    sleep 1.5;
    is(ask($s, 'KEY-ACME'), 200, "$name - requests don't wait for them");
    # The zone of another size is another piece of memory; the one before is unmapped.
    for my $size ('512k', '256k') {
        set_zone($s, undef, undef, $size);
        my $began = time;
        $s->signal('HUP');
        sleep 0.5;
        ok($s->wait(3, sub { $s->log =~ /signal 1 \(SIGHUP\).*reconfiguring/s }), "$name - nor does a reload, to $size");
        cmp_ok(time - $began, '<', 3, "$name - which is done before they answer");
        sleep 4.5;
        # nginx makes no connections for a new configuration here; but it lives.
        ok(kill(0, $s->{master}), "$name - nothing breaks when they do");
    }
    my $began = time;
    my $pid = $s->{master};
    $s->signal('QUIT');
    ok($s->wait(3, sub { !kill 0, $pid }), "$name - nor does the end");
    delete $s->{master};
    is(join('', grep { !/worker_connections are not enough/ } $s->trouble), '', "$name - nothing bad in the log");
}

# One worker, many partners: while it makes an answer of all of them it serves others.
{
    my $name = 'many partners';
    my $s = server();
    my $count = 20_000;
    replace_file("$s->{dir}/keys", key_file(map { ("partner-$_" => "KEY-$_ requests=100/hour") } 1 .. $count));
    set_zone($s, undef, undef, '80m');
    $s->start($locations);
    for my $uri ('/status?history=5m', '/status?page=1&history=5m', '/metrics') {
        my $slow = $s->client;
        my $quick = $s->client;
        is($quick->get('/ready')->{status}, 200, "$name - $uri - a connection");
        $slow->send('GET', $uri);
        my ($answered, $worst) = (0, 0);
        # Until the first byte of the other one is there.
        my $select = IO::Select->new($slow->connect);
        until ($select->can_read(0)) {
            my $began = time;
            last if $quick->get('/ready')->{status} != 200;
            $worst = time - $began if $worst < time - $began;
            $answered++;
        }
        cmp_ok($answered, '>', 2, "$name - $uri - others are answered meanwhile");
        note(sprintf '%s: %d others meanwhile, the slowest in %.1f ms', $uri, $answered, 1000 * $worst);
        is($slow->recv->{status}, 200, "$name - $uri - is answered");
    }
    # Who leaves while it is made.
    my $gone = $s->client;
    $gone->send('GET', '/status?history=5m');
    sleep 0.02;
    $gone->abort;
    is($s->client->get('/status?page=1')->{status}, 200, "$name - one who leaves");
    my $worker = $s->worker;
    my $pending = $s->client;
    $pending->send('GET', '/status?history=5m');
    $s->signal('HUP');
    my $r = $pending->recv;
    is($r->{status}, 200, "$name - a reload lets it end");
    like($r->{body}, qr/"partner-$count"/, "$name - whole");
    ok($s->wait(30, sub { $s->left($worker) }), "$name - then the worker leaves");
    # New keys in the place of so many.
    replace_file("$s->{dir}/keys", key_file(map { ("partner-$_" => "NEW-$_") } 1 .. $count));
    ok($s->wait(20, sub { ask($s, 'NEW-7') == 200 }), "$name - new keys");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

done_testing();
