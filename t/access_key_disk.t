# access_key_zone state=: no room for the state file. What the limit on the size of files does to
# the worker is what a full disk does: a file ends in the middle, and the next write fails. It
# needs no file system of its own, and no root.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Fixtures qw(fixture_dir fixture_path slurp);
use ImageGate::Keys qw(key_file read_state);
use ImageGate::Server;

my $files = fixture_dir();
fixture_path('text.txt');

# More than that the log must not have, as nginx writes it itself.
my $room = 32 * 1024;

my $s = ImageGate::Server->new;
my $state = "$s->{dir}/state";
$s->{http} = qq{
    access_key_zone p 2m state=$state save=100ms;
    access_key_file p keys;
};
open my $keys, '>', "$s->{dir}/keys" or die $!;
print $keys key_file(acme => 'KEY-ACME', map { ("partner-$_" => "KEY-$_") } 1 .. 500);
close $keys or die $!;
$s->start(qq{
    location / {
        access_key zone=p from=arg:key;
        access_key_quota requests=7 per=month;
        add_header X-Left \$access_key_remaining always;
        alias $files/;
    }
});

sub ask { return $s->client->get('/text.txt?key=KEY-ACME') }

# Whether the state comes to say that so many requests were made.
sub saved {
    my $requests = shift;
    return $s->wait(10, sub { -f $state && read_state($state)->{acme}{requests} == $requests });
}

sub give_room {
    my $bytes = shift;
    system('prlimit', '--pid', $s->worker, "--fsize=$bytes:unlimited") == 0 or die "prlimit: $?";
}

sub complaints { my @lines = $s->log =~ /(.*can't save its state.*)/g; return @lines }

is(ask()->{status}, 200, 'with room - a request');
ok(saved(1), 'with room - is saved');
my $before = slurp($state);
cmp_ok(length $before, '>', 2 * $room, 'with room - more than there will be room for');

give_room($room);
is(ask()->{h}{'x-left'}, 5, 'without room - a request is counted');
ok($s->wait(10, sub { complaints() }), 'without room - the log says so');
is(ask()->{h}{'x-left'}, 4, 'without room - the next one is counted, too');
# Some more times that it fails.
sleep 0.5;
is(slurp($state), $before, 'without room - the state is what it was');
my @lines = complaints();
is(scalar @lines, 1, 'without room - one line') or diag(join "\n", @lines);
like($lines[0], qr{\[error\].*access_key: zone "p" can't save its state: \Q$state\E: File too large}, 'without room - with the reason');

give_room('unlimited');
ok(saved(3), 'with room again - all is saved');
ok($s->wait(10, sub { $s->log =~ /\[notice\].*access_key: zone "p" saves its state again/ }), 'with room again - the log says so');
is(length slurp($state), length $before, 'with room again - the whole of it');
ok(!-e "$state.damaged", 'with room again - nothing was put aside');
is(ask()->{h}{'x-left'}, 3, 'with room again - a request');
ok(saved(4), 'with room again - is saved');

# What a worker saves last, when it leaves.
give_room($room);
is(ask()->{h}{'x-left'}, 2, 'no room at the end - a request');
ok($s->wait(10, sub { complaints() == 2 }), 'no room at the end - the log says so');
my $worker = $s->worker;
$s->signal('HUP');
ok($s->wait(20, sub { !kill 0, $worker }), 'no room at the end - the worker goes');
ok(saved(5), 'no room at the end - the next one has what it counted');
is(join('', $s->trouble), '', 'nothing bad in the log');

done_testing();
